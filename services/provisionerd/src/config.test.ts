import { readConfig } from "./config.js";

const NEEDED = {
  CODER_PROVISIONERD_CODERD_ADDRESS: "127.0.0.1:3001",
  CODER_REDIS_URL: "redis://127.0.0.1:6379",
  CODER_PROVISIONER_DAEMON_PSK: "psk",
};

test("a daemon needs three settings; the others have defaults", () => {
  expect(readConfig(NEEDED)).toMatchObject({
    coderd: { address: "127.0.0.1:3001", redis: { prefix: "coder" } },
    credential: { psk: "psk" },
    slots: 4,
    tags: {},
    types: ["terraform"],
  });
});

test("tags and types are parsed", () => {
  const config = readConfig({
    ...NEEDED,
    CODER_PROVISIONERD_TAGS: "zone=eu, size=a=b",
    CODER_PROVISIONER_TYPES: "terraform,echo",
  });
  expect(config).toMatchObject({
    tags: { zone: "eu", size: "a=b" },
    types: ["terraform", "echo"],
  });
});

test.each([
  [{ CODER_PROVISIONERD_CODERD_ADDRESS: "coderd" }, '"coderd" is not a valid address'],
  [{ CODER_REDIS_URL: "http://x" }, "must be a redis:// or rediss:// URL"],
  [{ CODER_PROVISIONER_DAEMON_KEY: "key" }, "Set either"],
  [{ CODER_PROVISIONER_DAEMON_PSK: "" }, "Set either"],
  [{ CODER_PROVISIONERD_TAGS: "zone" }, '"zone" must be key=value'],
  [{ CODER_PROVISIONER_TYPES: "pulumi" }, '"pulumi" is not one of: terraform, echo'],
  [{ CODER_PROVISIONER_SLOTS: "0" }, "CODER_PROVISIONER_SLOTS"],
  [{ CODER_REDIS_URL: "" }, "are used together"],
  [{ CODER_PROVISIONERD_CODERD_ADDRESS: "" }, "are used together"],
  [{ CODER_PROVISIONERD_CODERD_ADDRESS: "", CODER_REDIS_URL: "" }, "Set CODER_URL"],
  [
    {
      CODER_PROVISIONER_DAEMON_PSK: "",
      CODER_PROVISIONER_DAEMON_KEY: "key",
      CODER_PROVISIONERD_TAGS: "zone=eu",
    },
    "A provisioner key has its own tags",
  ],
  [{ CODER_PROVISIONER_DAEMON_PSK: "", CODER_SESSION_TOKEN: "token" }, "Set either"],
])("%j is rejected with a message", (settings, sentence) => {
  expect(() => readConfig({ ...NEEDED, ...settings })).toThrow(sentence);
});

test("a daemon outside needs the deployment's URL and a credential; a session is the last one that counts", () => {
  const CODER_URL = "https://coder.example.com";
  const CODER_SESSION_TOKEN = "token";
  const coderd = { accessUrl: CODER_URL };
  expect(readConfig({ CODER_URL, CODER_SESSION_TOKEN })).toMatchObject({
    coderd,
    credential: { session: "token" },
  });
  const CODER_PROVISIONER_DAEMON_KEY = "key";
  expect(readConfig({ CODER_URL, CODER_SESSION_TOKEN, CODER_PROVISIONER_DAEMON_KEY })).toMatchObject({
    coderd,
    credential: { key: "key" },
  });
  // The command line's own variables do not send a daemon of the deployment around its front door.
  expect(readConfig({ ...NEEDED, CODER_URL, CODER_SESSION_TOKEN })).toMatchObject({
    coderd: { address: "127.0.0.1:3001" },
    credential: { psk: "psk" },
  });
});

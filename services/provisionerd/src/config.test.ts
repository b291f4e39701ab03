import { readConfig } from "./config.js";

const NEEDED = {
  CODER_PROVISIONERD_CODERD_ADDRESS: "127.0.0.1:3001",
  CODER_REDIS_URL: "redis://127.0.0.1:6379",
  CODER_PROVISIONER_DAEMON_PSK: "psk",
};

test("a daemon needs three settings; the others have defaults", () => {
  expect(readConfig(NEEDED)).toMatchObject({
    coderdAddress: "127.0.0.1:3001",
    credential: { psk: "psk" },
    redis: { prefix: "coder" },
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
])("%j is rejected with a message", (settings, sentence) => {
  expect(() => readConfig({ ...NEEDED, ...settings })).toThrow(sentence);
});

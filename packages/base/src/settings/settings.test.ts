import {
  address,
  boolean,
  choice,
  defineSettings,
  duration,
  integer,
  list,
  pairs,
  text,
  url,
} from "./index.js";

const settings = defineSettings("demo: shows what a setting can be", {
  CODER_ACCESS_URL: url({
    schemes: ["http", "https"],
    default: "http://localhost",
    help: "URL of the deployment",
  }),
  CODER_PG_URL: url({ schemes: ["postgres"], required: true, secret: true, help: "Postgres server" }),
  CODER_ADDRESS: address({ default: "127.0.0.1:3000", help: "Address to serve on" }),
  CODER_SLOTS: integer({ min: 1, max: 9, default: "4", help: "Concurrent jobs" }),
  CODER_VERBOSE: boolean({ default: "false", help: "Log debug messages" }),
  CODER_WAIT: duration({ default: "1m30s", help: "How long to wait" }),
  CODER_LEVEL: choice({ values: ["info", "debug"], default: "info", help: "Log level" }),
  CODER_TYPES: list({ values: ["terraform", "echo"], default: "terraform", help: "Provisioners" }),
  CODER_TAGS: pairs({ default: "", help: "Tags" }),
  CODER_NAME: text({ help: "Name" }),
});
const NEEDED = { CODER_PG_URL: "postgres://user:hunter2@host/db" };

test("defaults are parsed like set values; an empty variable counts as unset", () => {
  expect(settings.read({ ...NEEDED, CODER_SLOTS: "" })).toEqual({
    CODER_ACCESS_URL: "http://localhost",
    CODER_PG_URL: NEEDED.CODER_PG_URL,
    CODER_ADDRESS: "127.0.0.1:3000",
    CODER_SLOTS: 4,
    CODER_VERBOSE: false,
    CODER_WAIT: 90_000,
    CODER_LEVEL: "info",
    CODER_TYPES: ["terraform"],
    CODER_TAGS: {},
    CODER_NAME: undefined,
  });
  expect(settings.read({ ...NEEDED, CODER_TAGS: "zone=eu, size=a=b", CODER_VERBOSE: "ON" })).toMatchObject({
    CODER_TAGS: { zone: "eu", size: "a=b" },
    CODER_VERBOSE: true,
  });
});

test.each([
  ["CODER_ACCESS_URL", "ftp://x", 'must be a http:// or https:// URL, not "ftp://x"'],
  ["CODER_ADDRESS", "3000", '"3000" is not a valid address'],
  ["CODER_ADDRESS", "a:70000", '"a:70000" is not a valid address'],
  ["CODER_SLOTS", "0", 'must be at least 1, not "0"'],
  ["CODER_SLOTS", "10", 'must be at most 9, not "10"'],
  ["CODER_SLOTS", "1e1", 'must be a whole number, not "1e1"'],
  ["CODER_SLOTS", "99999999999999999999", "must be a whole number"],
  ["CODER_VERBOSE", "flase", 'must be true or false, not "flase"'],
  ["CODER_WAIT", "soon", '"soon" is not a valid duration'],
  ["CODER_WAIT", "-5s", 'must not be negative, not "-5s"'],
  ["CODER_LEVEL", "trace", 'must be one of: info, debug, not "trace"'],
  ["CODER_TYPES", "pulumi", '"pulumi" is not one of: terraform, echo'],
  ["CODER_TAGS", "zone", '"zone" must be key=value'],
])("%s=%s is refused: %s", (name, value, sentence) => {
  expect(() => settings.read({ ...NEEDED, [name]: value })).toThrow(`${name}: ${sentence}`);
});

test("one error lists everything that is wrong, without secrets", () => {
  const read = () => settings.read({ CODER_PG_URL: "mysql://user:hunter2@host", CODER_SLOTS: "x" });
  expect(read).toThrow(
    /^Invalid configuration\. CODER_PG_URL: must be a postgres:\/\/ URL; CODER_SLOTS: must/,
  );
  expect(read).not.toThrow(/hunter2/);
  expect(() => settings.read({})).toThrow("CODER_PG_URL: is required (Postgres server)");
});

test("the view uses wire units and has no secrets", () => {
  const shown = settings.show(settings.read(NEEDED));
  const shownOf = (name: string) => shown.find(({ env }) => env === name);
  expect(shownOf("CODER_WAIT")).toMatchObject({
    value: 90_000_000_000,
    default: "1m30s",
    help: "How long to wait",
  });
  expect(shownOf("CODER_PG_URL")).toMatchObject({ value: "", secret: true });
  expect(shownOf("CODER_NAME")).toMatchObject({ value: "" });
  expect(JSON.stringify(shown)).not.toContain("hunter2");
});

test("a variable similar to a setting is reported as misspelt; others are ignored", () => {
  const env = {
    CODER_ACESS_URL: "x",
    CODER_SLTOS: "1",
    CODER_SESSION_TOKEN: "t",
    CODER_NAME: "n",
    NAME: "x",
  };
  expect(settings.misspelt(env)).toEqual([
    { name: "CODER_ACESS_URL", meant: "CODER_ACCESS_URL" },
    { name: "CODER_SLTOS", meant: "CODER_SLOTS" },
  ]);
});

test("help lists each setting with its type and default", () => {
  expect(settings.help()).toContain("demo: shows what a setting can be\n");
  expect(settings.help()).toContain("  CODER_WAIT duration (default 1m30s)\n      How long to wait\n");
  expect(settings.help()).toContain("  CODER_PG_URL url (required)\n");
});

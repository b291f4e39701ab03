import { allowListCovers, formatAllowListEntry, parseAllowListEntry } from "./allow-list.js";
import { authorize, reach } from "./authorize.js";
import type { AllowListEntry, Subject } from "./subject.js";

const ONE = "11111111-1111-4111-8111-111111111111";
const OTHER = "22222222-2222-4222-8222-222222222222";
const list = (...entries: string[]) => entries.map((entry) => parseAllowListEntry(entry)!);
const owner = (allowList?: AllowListEntry[]): Subject => ({
  userId: "ana",
  roles: ["owner"],
  orgRoles: {},
  groups: [],
  ...(allowList ? { allowList } : {}),
});

test.each([`workspace:${ONE}`, "template:*", "*:*", `workspace:${ONE.toUpperCase()}`])(
  "%s is an entry",
  (text) => expect(formatAllowListEntry(parseAllowListEntry(text)!)).toBe(text.toLowerCase()),
);

test.each([
  "",
  "*",
  "workspace",
  "workspace:",
  `*:${ONE}`,
  "workspace:dev",
  `nothing:${ONE}`,
  "toString:*",
  `workspace:${ONE}:*`,
])("%j is not", (text) => expect(parseAllowListEntry(text)).toBeUndefined());

test.each<[string[], string, string | undefined, boolean]>([
  [["*:*"], "template", undefined, true],
  [[`workspace:${ONE}`], "workspace", ONE, true],
  [[`workspace:${ONE}`], "workspace_dormant", ONE, true],
  [[`workspace:${ONE}`], "workspace", OTHER, false],
  [[`workspace:${ONE}`], "workspace", undefined, false],
  [[`workspace:${ONE}`], "template", ONE, false],
  [["workspace:*"], "workspace", undefined, true],
  [["workspace:*"], "template", ONE, false],
  [[], "workspace", ONE, false],
])("%j: %s %s is %j", (entries, type, id, allowed) => {
  const object = { type: type as "workspace", ...(id ? { id } : {}) };
  expect(authorize(owner(list(...entries)), "read", object)).toBe(allowed);
});

test("a list without an object of the type reaches nothing", () => {
  expect(reach(owner(list(`template:${ONE}`)), "read", "workspace").everywhere).toBe(false);
  expect(reach(owner(list("workspace:*")), "read", "workspace").everywhere).toBe(true);
  expect(reach(owner(), "read", "workspace").everywhere).toBe(true);
});

test.each<[string[] | undefined, string[] | undefined, boolean]>([
  [undefined, undefined, true],
  [undefined, [`workspace:${ONE}`], true],
  [["*:*"], undefined, true],
  [[`workspace:${ONE}`], undefined, false],
  [[`workspace:${ONE}`], ["*:*"], false],
  [[`workspace:${ONE}`], ["workspace:*"], false],
  [[`workspace:${ONE}`], [`workspace:${OTHER}`], false],
  [[`workspace:${ONE}`], [`workspace:${ONE}`], true],
  [["workspace:*"], [`workspace:${ONE}`, "workspace:*"], true],
  [["workspace:*"], [`template:${ONE}`], false],
])("%j covers %j: %j", (held, wanted, covers) => {
  expect(allowListCovers(held && list(...held), wanted && list(...wanted))).toBe(covers);
});

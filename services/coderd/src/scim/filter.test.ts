import { ScimError } from "./errors.js";
import { fulfills } from "./evaluate.js";
import { parseFilter, parsePath } from "./filter.js";
import { USER } from "./schema.js";

const user = {
  id: "2819c223",
  userName: "Ana@Example.com",
  externalId: "Ext-1",
  name: { formatted: "Ana Ba", familyName: "Ba" },
  title: "Tour Guide",
  active: true,
  emails: [
    { value: "ana@example.com", type: "work", primary: true },
    { value: "ana@home.test", type: "home" },
  ],
  meta: { resourceType: "User", lastModified: "2026-05-13T04:42:34.000Z" },
};

describe("a filter", () => {
  it.each<[string, boolean]>([
    ['userName eq "ana@example.com"', true],
    ['USERNAME EQ "ANA@EXAMPLE.COM"', true],
    ['urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ana@example.com"', true],
    ['userName ne "ana@example.com"', false],
    ['externalId eq "ext-1"', false],
    ['externalId eq "Ext-1"', true],
    ['name.familyName co "b"', true],
    ['userName sw "ana"', true],
    ['userName ew ".org"', false],
    ['userName gt "a" and userName lt "b"', true],
    ["title pr", true],
    ["nickName pr", false],
    ["emails pr", true],
    ['title pr and (name.familyName eq "x" or active eq true)', true],
    ['title eq "x" or title eq "y" and title pr', false],
    ['not (title eq "x")', true],
    ['not(title eq "x") and not (active eq false)', true],
    ['active eq "True"', true],
    ["active ne false", true],
    ['emails.value eq "ANA@home.test"', true],
    ['emails eq "ana@home.test"', true],
    ['emails[type eq "work" and value co "@example.com"]', true],
    ['emails[type eq "home" and primary eq true]', false],
    ['emails[type eq "work"] or emails[not (type pr)]', true],
    ['meta.lastModified gt "2026-05-13T04:42:33Z"', true],
    ['meta.lastModified ge "2026-05-13T06:42:34+02:00"', true],
    ['meta.lastModified lt "2011-05-13T04:42:34Z"', false],
    ["displayName eq null", true],
    ["title ne null", true],
    ['unknown eq "x"', false],
    ['unknown.sub.more eq "x"', false],
    ['unknown ne "x"', true],
    ['urn:example:2.0:Thing:size eq "x"', false],
    ['title eq "Tour \\u0047uide"', true],
    ["title eq 5", false],
    ['constructor eq "x"', false],
  ])("%s", (filter, expected) => {
    expect(fulfills(USER, parseFilter(filter), user)).toBe(expected);
  });

  it.each([
    "",
    "userName",
    "userName eq",
    'userName is "x"',
    'userName eq "x" and',
    '(userName eq "x"',
    'userName eq "x")',
    'userName eq "x" "y"',
    "userName eq x",
    'userName eq "x',
    'emails[type eq "work"',
    "emails[]",
    "not userName pr",
    'userName eq "\\q"',
    'userName eq "a\nb"',
    '.value eq "x"',
    "active gt true",
    'userName eq "x" & title pr',
    `userName eq "${"x".repeat(5_000)}"`,
  ])("that is not valid: %s", (filter) => {
    expect(() => fulfills(USER, parseFilter(filter), user)).toThrow(ScimError);
  });

  it("may be long, but not deep", () => {
    const parts = Array.from({ length: 300 }, () => "title pr");
    expect(fulfills(USER, parseFilter(parts.join(" and ")), user)).toBe(true);
    expect(() => parseFilter("(".repeat(2_000))).toThrow(/nested deeper/);
    expect(() => parseFilter(`${"not (".repeat(40)}title pr${")".repeat(40)}`)).toThrow(/nested deeper/);
    expect(() => parseFilter(`${"a[".repeat(40)}`)).toThrow(/nested deeper/);
  });
});

test("a path names an attribute, some of its values, or a part of them", () => {
  expect(parsePath("members")).toEqual({ attribute: "members" });
  expect(parsePath("name.familyName")).toEqual({ attribute: "name.familyName" });
  expect(parsePath('emails[type eq "work"].value')).toMatchObject({
    attribute: "emails",
    sub: ".value".slice(1),
  });
  expect(parsePath('members[value eq "1"]')).toMatchObject({ filter: { kind: "compare", value: "1" } });
  for (const path of ["", ".", "a b", "a[", "a[b]", 'a[b eq "c"]d', 'a[b eq "c"].d.e f', "1"])
    expect(() => parsePath(path)).toThrow(ScimError);
});

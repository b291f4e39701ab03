import type { Values } from "./evaluate.js";
import { applyPatch, operationsOf } from "./patch.js";
import { USER } from "./schema.js";

const work = { value: "ana@example.com", type: "work", primary: true };
const home = { value: "ana@home.test", type: "home" };

function patched(operations: unknown[], values: Values = {}): Values {
  const held: Values = { userName: "ana", emails: [work, home], ...values };
  applyPatch(USER, held, operationsOf({ Operations: operations }));
  return held;
}

describe("applyPatch", () => {
  it.each<[string, unknown, Values]>([
    ["Okta's replace without a path", { op: "replace", value: { active: false } }, { active: false }],
    [
      "Entra's capital letters and texts",
      { op: "Replace", path: "active", value: "False" },
      { active: false },
    ],
    [
      "Entra's paths as names",
      {
        op: "Add",
        value: {
          "name.givenName": "Ana",
          'emails[type eq "work"].value': "a@b.c",
          "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "x",
        },
      },
      { name: { givenName: "Ana" }, emails: [home, { ...work, value: "a@b.c" }] },
    ],
    [
      "a whole resource as the value",
      { op: "replace", value: { schemas: [], id: "1", meta: {}, groups: [], TITLE: "x", unknown: 1 } },
      { title: "x" },
    ],
    [
      "a value that the filter describes and that does not exist",
      { op: "add", path: 'emails[type eq "other"].value', value: "a@b.c" },
      { emails: [work, home, { type: "other", value: "a@b.c" }] },
    ],
    ["an attribute with its URI", { op: "add", path: `${USER.schema}:title`, value: "x" }, { title: "x" }],
    [
      "a part of what has no value",
      { op: "add", path: "name.familyName", value: "B" },
      { name: { familyName: "B" } },
    ],
    ["a value that exists", { op: "add", path: "emails", value: [home] }, {}],
    ["one value without a list", { op: "replace", path: "emails", value: home }, { emails: [home] }],
    ["removal by filter", { op: "remove", path: 'emails[type eq "home"]' }, { emails: [work] }],
    ["removal by value", { op: "remove", path: "emails", value: [work] }, { emails: [home] }],
    ["removal that finds nothing", { op: "remove", path: 'emails[type eq "x"]' }, {}],
    [
      "removal of a part",
      { op: "remove", path: "emails.type" },
      { emails: [{ value: work.value, primary: true }, { value: home.value }] },
    ],
    ["null", { op: "replace", value: { title: null } }, {}],
    [
      "attributes that are not stored",
      { op: "add", path: 'addresses[type eq "work"].locality', value: "x" },
      {},
    ],
    [
      "a new primary value",
      { op: "replace", path: 'emails[type eq "home"].primary', value: true },
      {
        emails: [
          { ...work, primary: false },
          { ...home, primary: true },
        ],
      },
    ],
  ])("%s", (_, operation, expected) => {
    const before = { userName: "ana", emails: [work, home] };
    expect(patched([operation])).toEqual({ ...before, ...expected });
  });

  it.each<[string, unknown, string]>([
    ["an unknown attribute", { op: "add", path: "colour", value: "x" }, "invalidPath"],
    ["an unknown part", { op: "add", path: "name.colour", value: "x" }, "invalidPath"],
    ["a broken path", { op: "add", path: "emails[", value: "x" }, "invalidPath"],
    ["a filter on a single value", { op: "add", path: 'title[value eq "x"]', value: "x" }, "invalidPath"],
    ["a read-only attribute", { op: "replace", path: "id", value: "x" }, "mutability"],
    ["a read-only list", { op: "add", path: "groups", value: [{ value: "x" }] }, "mutability"],
    [
      "a replacement that finds nothing",
      { op: "replace", path: 'emails[type eq "x"].value', value: "x" },
      "noTarget",
    ],
    ["a removal without a path", { op: "remove" }, "noTarget"],
    ["a value of the wrong type", { op: "replace", path: "title", value: { a: 1 } }, "invalidValue"],
    ["a list of the wrong type", { op: "add", path: "emails", value: [1] }, "invalidValue"],
    ["no object without a path", { op: "add", value: "x" }, "invalidValue"],
    ["another operation", { op: "move", path: "title" }, "invalidSyntax"],
    ["a path that is no text", { op: "add", path: 1, value: 1 }, "invalidPath"],
    ["no operation", null, "invalidSyntax"],
  ])("refuses %s", (_, operation, scimType) => {
    expect(() => patched([operation])).toThrow(expect.objectContaining({ scimType }));
  });

  it("refuses a body without a list of operations, or with too many", () => {
    for (const body of [undefined, null, [], {}, { Operations: {} }])
      expect(() => operationsOf(body)).toThrow(expect.objectContaining({ scimType: "invalidSyntax" }));
    const Operations = Array.from({ length: 1_001 }, () => ({ op: "add", value: {} }));
    expect(() => operationsOf({ Operations })).toThrow(expect.objectContaining({ scimType: "tooMany" }));
  });
});

import { FleetError } from "@fleet/base";
import { authorize } from "./authorize.js";
import { canDefineRole, customRole } from "./custom.js";
import type { Subject } from "./subject.js";

const permission = (resource_type: string, action: string, negate = false) => ({
  resource_type,
  action,
  negate,
});
const user = (roles: Subject["roles"], acme: Subject["roles"][number][] = []): Subject => ({
  userId: "ana",
  roles,
  orgRoles: { acme },
  groups: [],
});

describe("customRole", () => {
  it("grants, grants to the owner, and denies", () => {
    const role = customRole(
      [
        permission("template", "read"),
        permission("template", "use"),
        permission("workspace", "delete", true),
      ],
      [permission("file", "*")],
    );
    const subject = user([], [role]);
    expect(authorize(subject, "use", { type: "template", orgId: "acme" })).toBe(true);
    expect(authorize(subject, "update", { type: "template", orgId: "acme" })).toBe(false);
    expect(authorize(subject, "create", { type: "file", ownerId: "ana", orgId: "acme" })).toBe(true);
    expect(authorize(subject, "create", { type: "file", ownerId: "bob", orgId: "acme" })).toBe(false);
    expect(authorize(subject, "delete", { type: "workspace", ownerId: "ana", orgId: "acme" })).toBe(false);
    expect(authorize(subject, "start", { type: "workspace", ownerId: "ana", orgId: "acme" })).toBe(true);
  });

  it.each([
    ["template", "fly"],
    ["nothing", "read"],
    ["nothing", "*"],
    ["toString", "*"],
    ["constructor", "length"],
    ["*", "*"],
  ])("rejects %s:%s", (type, action) => {
    expect(() => customRole([permission(type, action)])).toThrow(FleetError);
  });

  it("rejects a negated user permission", () => {
    expect(() => customRole([], [permission("workspace", "read", true)])).toThrow(/organization level/);
  });
});

describe("canDefineRole", () => {
  const exec = customRole([permission("workspace", "ssh")]);
  const curator = customRole([permission("template", "*")], [permission("workspace", "ssh")]);

  it("requires the definer to hold everything that the role grants", () => {
    const admin = user([], ["organization-admin"]);
    expect(canDefineRole(admin, curator, "acme")).toBe(true);
    expect(canDefineRole(admin, exec, "acme")).toBe(false);
    expect(canDefineRole(admin, curator, "other")).toBe(false);
    expect(canDefineRole(user([]), curator, "acme")).toBe(false);
    expect(canDefineRole(user(["owner"]), exec, "acme")).toBe(true);
  });
});

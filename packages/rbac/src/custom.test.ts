import { FleetError } from "@fleet/base";
import { authorize } from "./authorize.js";
import { canDefineRole, customRole, storedRole } from "./custom.js";
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
      [permission("provisioner_jobs", "*")],
    );
    const subject = user([], [role]);
    expect(authorize(subject, "use", { type: "template", orgId: "acme" })).toBe(true);
    expect(authorize(subject, "update", { type: "template", orgId: "acme" })).toBe(false);
    expect(authorize(subject, "create", { type: "provisioner_jobs", ownerId: "ana", orgId: "acme" })).toBe(
      true,
    );
    expect(authorize(subject, "create", { type: "provisioner_jobs", ownerId: "bob", orgId: "acme" })).toBe(
      false,
    );
    expect(authorize(subject, "delete", { type: "workspace", ownerId: "ana", orgId: "acme" })).toBe(false);
    const access = user([], [role, "organization-workspace-access"]);
    expect(authorize(access, "start", { type: "workspace", ownerId: "ana", orgId: "acme" })).toBe(true);
    expect(authorize(access, "delete", { type: "workspace", ownerId: "ana", orgId: "acme" })).toBe(false);
  });

  it.each([
    ["template", "fly"],
    ["nothing", "read"],
    ["nothing", "*"],
    ["toString", "*"],
    ["constructor", "length"],
    ["*", "*"],
    ["user", "read"],
    ["deployment_config", "*"],
    ["assign_role", "assign"],
  ])("rejects %s:%s", (type, action) => {
    expect(() => customRole([permission(type, action)])).toThrow(FleetError);
  });

  it("rejects a negated user permission", () => {
    expect(() => customRole([], [permission("workspace", "read", true)])).toThrow(/organization level/);
  });
});

describe("storedRole", () => {
  it("ignores what this release does not know", () => {
    const role = storedRole(
      [permission("template", "read"), permission("hologram", "read"), permission("user", "delete")],
      [permission("workspace", "fly"), permission("workspace", "ssh", true), permission("workspace", "read")],
    );
    expect(role).toEqual({ all: { template: ["read"] }, own: { workspace: ["read"] }, deny: {} });
  });
});

describe("canDefineRole", () => {
  const exec = customRole([permission("workspace", "ssh")]);
  const curator = customRole([permission("template", "*")], [permission("workspace", "ssh")]);

  it("requires the definer to hold everything that the role grants", () => {
    const admin = user([], ["organization-admin", "organization-workspace-access"]);
    expect(canDefineRole(user([], ["organization-admin"]), curator, "acme")).toBe(false);
    expect(canDefineRole(admin, curator, "acme")).toBe(true);
    expect(canDefineRole(admin, exec, "acme")).toBe(false);
    expect(canDefineRole(admin, curator, "other")).toBe(false);
    expect(canDefineRole(user([]), curator, "acme")).toBe(false);
    expect(canDefineRole(user(["owner"]), exec, "acme")).toBe(true);
  });
});

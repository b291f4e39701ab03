import { readFileSync, writeFileSync } from "node:fs";
import { assignableRoles, canAssignRole, canManageUser } from "./assign.js";
import { authorize, reach } from "./authorize.js";
import { type Action, isPermission, RESOURCE_ACTIONS, RESOURCES, type Resource } from "./resources.js";
import {
  DEFAULT_MEMBER_ROLES,
  ORGANIZATION_ROLES,
  OWNER_WITHOUT_WORKSPACE_ACCESS,
  SITE_ROLES,
} from "./roles.js";
import { isScope, SCOPES } from "./scope.js";
import { agentSubject, type Subject, SYSTEM } from "./subject.js";

const user = (changes: Partial<Subject> = {}): Subject => ({
  userId: "ana",
  roles: [],
  orgRoles: { acme: [...DEFAULT_MEMBER_ROLES] },
  groups: [],
  ...changes,
});

const pairs = RESOURCES.flatMap((type) =>
  RESOURCE_ACTIONS[type].map((action) => ({ type, action: action as Action })),
);

/** A letter for where a subject may do it: anywhere, in its organization, to its own inside or outside it, nowhere. */
function letter(subject: Subject, action: Action, type: Resource): string {
  if (authorize(subject, action, { type, ownerId: "bob", orgId: "other" })) return "A";
  if (authorize(subject, action, { type, ownerId: "bob", orgId: "acme" })) return "O";
  if (authorize(subject, action, { type, ownerId: "ana", orgId: "acme" })) return "o";
  if (authorize(subject, action, { type, ownerId: "ana" })) return "s";
  return ".";
}

describe("the matrix of roles", () => {
  const columns: [string, Subject][] = [
    ...Object.keys(SITE_ROLES).map((name): [string, Subject] => [
      name,
      user({ roles: [name], orgRoles: { acme: [] } }),
    ]),
    ...Object.keys(ORGANIZATION_ROLES).map((name): [string, Subject] => [
      name,
      user({ orgRoles: { acme: [name] } }),
    ]),
  ];

  it("matches the reviewed table for every role, resource and action", () => {
    const rows = pairs.map(({ type, action }) => {
      const letters = columns.map(([, subject]) => letter(subject, action, type));
      return `${`${type}:${action}`.padEnd(44)}${letters.join(" ")}`;
    });
    const head = columns.map(([name], index) => `# ${index + 1} ${name}`);
    const golden = new URL("matrix.golden.txt", import.meta.url);
    const text = `${[...head, ...rows].join("\n")}\n`;
    if (process.env.UPDATE_GOLDEN) writeFileSync(golden, text);
    expect(text).toBe(readFileSync(golden, "utf8"));
  });

  it("gives no access in other organizations, whatever the role", () => {
    for (const name of Object.keys(ORGANIZATION_ROLES)) {
      const subject = user({ orgRoles: { acme: [name] } });
      const leaks = pairs.filter(({ type, action }) => letter(subject, action, type) === "A");
      const site = pairs.filter(({ type, action }) => letter(user({ orgRoles: {} }), action, type) === "A");
      expect(leaks).toEqual(site);
    }
  });

  it("has no action that the resource lacks", () => {
    expect(authorize(SYSTEM, "ssh", { type: "template" })).toBe(false);
    expect(authorize(SYSTEM, "read", { type: "nothing" as Resource })).toBe(false);
    expect(isPermission("toString", "read")).toBe(false);
  });
});

describe("the documented matrix", () => {
  const holders = (action: Action, type: Resource) =>
    Object.keys(SITE_ROLES).filter((name) =>
      authorize(user({ roles: [name], orgRoles: {} }), action, { type, ownerId: "bob", orgId: "acme" }),
    );

  it.each<[Action, Resource, string[]]>([
    ["create", "user", ["owner", "user-admin"]],
    ["delete", "user", ["owner", "user-admin"]],
    ["update", "group", ["owner", "user-admin"]],
    ["assign", "assign_role", ["owner"]],
    ["update", "template", ["owner", "template-admin"]],
    ["read", "workspace", ["owner", "template-admin"]],
    ["create", "provisioner_daemon", ["owner", "template-admin"]],
    ["update", "workspace", ["owner"]],
    ["delete", "workspace", ["owner"]],
    ["ssh", "workspace", ["owner"]],
    ["application_connect", "workspace", ["owner"]],
    ["read", "audit_log", ["owner", "auditor"]],
  ])("%s %s: %j", (action, type, roles) => {
    expect(holders(action, type)).toEqual(roles);
  });

  it("denies owners access to workspaces if the deployment is configured so, but to nothing else", () => {
    const owner = user({ roles: [OWNER_WITHOUT_WORKSPACE_ACCESS] });
    const workspace = { type: "workspace", ownerId: "bob", orgId: "other" } as const;
    expect(authorize(owner, "ssh", workspace)).toBe(false);
    expect(authorize(owner, "application_connect", workspace)).toBe(false);
    expect(authorize(owner, "delete", workspace)).toBe(true);
    expect(authorize(owner, "ssh", { type: "workspace", ownerId: "ana", orgId: "acme" })).toBe(true);
    expect(authorize(owner, "create", { type: "api_key", ownerId: "bob" })).toBe(false);
    expect(authorize(owner, "create", { type: "api_key", ownerId: "ana" })).toBe(true);
  });
});

describe("ownership", () => {
  const mine = { type: "workspace", ownerId: "ana", orgId: "acme" } as const;

  it("counts only while the owner is a member of the organization", () => {
    expect(authorize(user(), "ssh", mine)).toBe(true);
    expect(authorize(user({ orgRoles: {} }), "ssh", mine)).toBe(false);
    expect(authorize(user({ orgRoles: { other: [...DEFAULT_MEMBER_ROLES] } }), "ssh", mine)).toBe(false);
  });

  it("of workspaces comes with a role that an organization can withhold", () => {
    expect(authorize(user({ orgRoles: { acme: [] } }), "read", mine)).toBe(false);
    expect(authorize(user({ orgRoles: { acme: [] } }), "create", mine)).toBe(false);
  });

  it("does not follow from two absent ids", () => {
    const nobody = user({ userId: undefined as unknown as string });
    expect(authorize(nobody, "read", { type: "api_key" })).toBe(false);
  });
});

describe("an ACL", () => {
  const template = {
    type: "template",
    orgId: "acme",
    acl: { users: { ana: ["read", "use"] }, groups: { everyone: ["read"] } },
  } as const;

  it("grants users and groups exactly what it lists", () => {
    expect(authorize(user(), "use", template)).toBe(true);
    expect(authorize(user(), "update", template)).toBe(false);
    expect(authorize(user({ userId: "bob" }), "read", template)).toBe(false);
    const member = user({ userId: "bob", groups: ["everyone"] });
    expect(authorize(member, "read", template)).toBe(true);
    expect(authorize(member, "use", template)).toBe(false);
  });

  it("counts for nothing outside its holder's organizations", () => {
    expect(authorize(user({ orgRoles: { other: [] } }), "use", template)).toBe(false);
    expect(authorize(user({ orgRoles: {}, groups: ["everyone"] }), "read", template)).toBe(false);
  });

  it("of a workspace counts for nothing while sharing is disabled, and nobody may share then", () => {
    const shared = {
      type: "workspace",
      ownerId: "bob",
      orgId: "acme",
      acl: { users: { ana: ["read", "share"] } },
    } as const;
    expect(authorize(user(), "read", shared)).toBe(true);
    const disabled = { workspaceSharing: false };
    expect(authorize(user(disabled), "read", shared)).toBe(false);
    expect(authorize(user({ ...disabled, userId: "bob" }), "read", shared)).toBe(true);
    expect(authorize(user({ ...disabled, userId: "bob" }), "share", shared)).toBe(false);
    expect(authorize(user({ ...disabled, roles: ["owner"] }), "share", shared)).toBe(false);
    expect(authorize(user(disabled), "use", template)).toBe(true);
  });

  it("is not fooled by names of built-in object properties", () => {
    expect(authorize(user({ userId: "constructor" }), "read", template)).toBe(false);
  });
});

describe("denial", () => {
  const banned = user({
    orgRoles: {
      acme: ["organization-workspace-creation-ban", ...DEFAULT_MEMBER_ROLES],
      other: [...DEFAULT_MEMBER_ROLES],
    },
  });

  it("overrides the organization's permissions, only there", () => {
    expect(authorize(banned, "create", { type: "workspace", ownerId: "ana", orgId: "acme" })).toBe(false);
    expect(authorize(banned, "start", { type: "workspace", ownerId: "ana", orgId: "acme" })).toBe(true);
    expect(authorize(banned, "create", { type: "workspace", ownerId: "ana", orgId: "other" })).toBe(true);
    const acl = { users: { ana: ["create"] } } as const;
    expect(authorize(banned, "create", { type: "workspace", orgId: "acme", acl })).toBe(false);
  });

  it("does not override a deployment-wide role", () => {
    const owner = { ...banned, roles: ["owner"] };
    expect(authorize(owner, "create", { type: "workspace", ownerId: "ana", orgId: "acme" })).toBe(true);
  });
});

describe("a custom role", () => {
  it("grants what it lists, in its organization", () => {
    const subject = user({ orgRoles: { acme: [{ all: { template: ["update"] } }] } });
    expect(authorize(subject, "update", { type: "template", orgId: "acme" })).toBe(true);
    expect(authorize(subject, "delete", { type: "template", orgId: "acme" })).toBe(false);
    expect(authorize(subject, "update", { type: "template", orgId: "other" })).toBe(false);
  });

  it("that does not exist grants nothing", () => {
    const subject = user({ roles: ["no-such-role", "constructor"], orgRoles: { acme: ["__proto__"] } });
    for (const { type, action } of pairs)
      expect(letter(subject, action, type)).toBe(letter(user({ orgRoles: { acme: [] } }), action, type));
  });
});

describe("the scope of a credential", () => {
  const object = { type: "workspace", ownerId: "ana", orgId: "acme" } as const;

  it.each<[string[], Action, boolean]>([
    [["all"], "delete", true],
    [["application_connect"], "application_connect", true],
    [["application_connect"], "read", false],
    [["workspace:ssh"], "ssh", true],
    [["workspace:ssh"], "read", false],
    [["workspace:*"], "delete", true],
    [["template:*"], "read", false],
    [["template:read", "workspace:read"], "read", true],
    [[], "read", false],
    [["no-such-scope"], "read", false],
  ])("%j: %s is %j", (scope, action, allowed) => {
    expect(authorize(user({ scope }), action, object)).toBe(allowed);
    expect(reach(user({ scope }), action, "workspace").ownIn).toEqual(allowed ? ["acme"] : []);
  });

  it("never grants more than the roles", () => {
    expect(
      authorize(user({ scope: ["all", "template:*"] }), "delete", { type: "template", orgId: "acme" }),
    ).toBe(false);
  });

  it("is one of the list", () => {
    expect(SCOPES.every(isScope)).toBe(true);
    for (const text of ["", "workspace", "workspace:fly", "workspace:read:x", "toString:*"])
      expect(isScope(text)).toBe(false);
  });
});

describe("an allow-list", () => {
  it("limits a credential to single objects, and what lists return to them", () => {
    const limited = user({ allowList: [{ type: "workspace", id: "ws1" }] });
    const mine = { type: "workspace", ownerId: "ana", orgId: "acme" } as const;
    expect(authorize(limited, "read", { ...mine, id: "ws1" })).toBe(true);
    expect(authorize(limited, "read", { ...mine, id: "ws2" })).toBe(false);
    expect(authorize(limited, "create", mine)).toBe(false);
    expect(reach(limited, "read", "workspace").ids).toEqual(["ws1"]);
    expect(reach(limited, "read", "template").ids).toEqual([]);
    expect(reach(user(), "read", "workspace").ids).toBeUndefined();
  });
});

describe("an agent", () => {
  const agent = agentSubject({ id: "ws1", ownerId: "ana", orgId: "acme" });

  it("can act on its workspace and its owner's keys only", () => {
    const own = { type: "workspace", id: "ws1", ownerId: "ana", orgId: "acme" } as const;
    expect(authorize(agent, "update", own)).toBe(true);
    expect(authorize(agent, "read_personal", { type: "user", id: "ana", ownerId: "ana" })).toBe(true);
    expect(authorize(agent, "delete", own)).toBe(false);
    expect(authorize(agent, "ssh", own)).toBe(false);
    expect(authorize(agent, "update", { ...own, id: "ws2" })).toBe(false);
    expect(authorize(agent, "create", { type: "workspace", ownerId: "ana", orgId: "acme" })).toBe(false);
    expect(authorize(agent, "read", { type: "api_key", ownerId: "ana" })).toBe(false);
  });
});

describe("reach", () => {
  it("agrees with authorize for every role, resource, action and location", () => {
    const roles = [undefined, ...Object.keys(SITE_ROLES)];
    const orgRoles = [undefined, ...Object.keys(ORGANIZATION_ROLES)];
    for (const site of roles) {
      for (const org of orgRoles) {
        const subject = user({ roles: site ? [site] : [], orgRoles: { acme: org ? [org] : [] } });
        for (const { type, action } of pairs) {
          const found = reach(subject, action, type);
          for (const ownerId of ["ana", "bob"]) {
            for (const orgId of ["acme", "other", undefined]) {
              const expected =
                found.everywhere ||
                (orgId !== undefined && found.organizations.includes(orgId)) ||
                (ownerId === "ana" && (orgId === undefined ? found.own : found.ownIn.includes(orgId)));
              if (authorize(subject, action, { type, ownerId, orgId }) !== expected) {
                throw new Error(`${site} ${org} ${type}:${action} ${ownerId} ${orgId}`);
              }
            }
          }
        }
      }
    }
  });
});

describe("assigning roles", () => {
  it("lets owners assign every role", () => {
    const owner = user({ roles: ["owner"] });
    expect(assignableRoles(owner)).toEqual(Object.keys(SITE_ROLES));
    expect(assignableRoles(owner, "acme")).toEqual(Object.keys(ORGANIZATION_ROLES));
    expect(canAssignRole(user({ roles: [OWNER_WITHOUT_WORKSPACE_ACCESS] }), "auditor")).toBe(true);
  });

  it("never lets anyone grant more than they hold", () => {
    for (const name of Object.keys(SITE_ROLES)) {
      if (name !== "owner") expect(assignableRoles(user({ roles: [name] }))).toEqual([]);
    }
    const userAdmin = user({ orgRoles: { acme: ["organization-user-admin"] } });
    expect(assignableRoles(userAdmin, "acme")).toEqual([
      "organization-member",
      "organization-workspace-access",
      "organization-workspace-creation-ban",
    ]);
    const admin = user({ orgRoles: { acme: ["organization-admin"], other: [] } });
    expect(assignableRoles(admin, "acme")).toEqual(Object.keys(ORGANIZATION_ROLES));
    expect(assignableRoles(admin, "other")).toEqual([]);
    expect(canAssignRole(admin, "owner", "acme")).toBe(false);
    expect(canAssignRole(user({ roles: ["owner"], scope: ["workspace:*"] }), "auditor")).toBe(false);
  });

  it("requires everything that a custom role grants", () => {
    const admin = user({ orgRoles: { acme: ["organization-admin"] } });
    expect(canAssignRole(admin, { all: { template: "*" } }, "acme")).toBe(true);
    expect(canAssignRole(admin, { all: { workspace: ["ssh"] } }, "acme")).toBe(false);
    expect(canAssignRole(admin, { all: { template: "*" } }, "other")).toBe(false);
    expect(canAssignRole(admin, { all: {} })).toBe(false);
    expect(canAssignRole(user(), { all: {} }, "acme")).toBe(false);
    expect(canAssignRole(admin, "no-such-role", "acme")).toBe(false);
  });

  // Rows change the account of columns.
  const ACCOUNTS = {
    owner: user({ userId: "olga", roles: ["owner"] }),
    "user-admin": user({ userId: "uma", roles: ["user-admin"] }),
    "template-admin": user({ userId: "tom", roles: ["template-admin"] }),
    auditor: user({ userId: "al", roles: ["auditor"] }),
    "organization-admin": user({ userId: "ora", roles: [], orgRoles: { acme: ["organization-admin"] } }),
    banned: user({ userId: "bea", roles: [], orgRoles: { acme: ["organization-workspace-creation-ban"] } }),
    member: user({ userId: "max", roles: [] }),
  };
  it.each([
    ["owner", "owner user-admin template-admin auditor organization-admin banned member"],
    ["user-admin", "user-admin banned member"],
    ["template-admin", "template-admin banned member"],
    ["auditor", "auditor banned member"],
    ["organization-admin", "organization-admin banned member"],
  ] as const)("keeps the accounts of those who may do more out of the hands of %s", (who, allowed) => {
    const managed = Object.entries(ACCOUNTS).filter(([, target]) => canManageUser(ACCOUNTS[who], target));
    expect(managed.map(([name]) => name).join(" ")).toBe(allowed);
  });

  it("depends on the user's roles, not on the credential's scope", () => {
    const scoped = user({ userId: "uma", roles: ["user-admin"], scope: ["user:*"] });
    expect(canManageUser(scoped, ACCOUNTS["user-admin"])).toBe(true);
    expect(canManageUser(scoped, ACCOUNTS.owner)).toBe(false);
  });
});

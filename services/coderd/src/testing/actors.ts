import type { Routes } from "@fleet/sdk";
import type { TestCoderd, TestUser } from "./coderd.js";

/**
 * The actors. `ana` owns the workspaces, keys and inbox in the requests, so her column is that of one's own objects;
 * `ben`, a member like her, has that of others'; the `stranger` administers another organization.
 */
export const ACTORS = [
  "anonymous",
  "agent",
  "proxy",
  "ana-app-key",
  "stranger",
  "ben",
  "service-account",
  "custom-role",
  "shared-use",
  "shared-admin",
  "ana",
  "auditor",
  "user-admin",
  "template-admin",
  "org-auditor",
  "org-user-admin",
  "org-template-admin",
  "org-admin",
  "owner",
] as const;
export type ActorName = (typeof ACTORS)[number];

export type Actors = {
  readonly owner: TestUser;
  readonly ana: TestUser;
  /** The actor's token; undefined for an anonymous actor. */
  readonly tokens: Record<ActorName, string | undefined>;
  readonly ids: Partial<Record<ActorName, string>>;
};

/** One user for each relevant role. The agent's token is added later: it needs a workspace. */
export async function createActors(server: TestCoderd): Promise<Actors> {
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  const members: Partial<Record<ActorName, TestUser>> = {};
  for (const username of ["ben", "shared-use", "shared-admin"] as const)
    members[username] = await server.user(owner, { username });
  for (const role of ["auditor", "user-admin", "template-admin"] as const)
    members[role] = await server.user(owner, { username: role, roles: [role] });
  const params = { organization: "default" };
  // What a custom role adds to a member's: others' workspaces to read, templates to change, groups to create.
  const permissions = { workspace: "read", template: "update", group: "create" };
  await owner.client.organizationRoleCreate({
    params,
    body: {
      name: "custom",
      organization_permissions: Object.entries(permissions).map(([resource_type, action]) => ({
        resource_type,
        action,
      })),
    },
  });
  const organizationRoles = {
    "org-auditor": "organization-auditor",
    "org-user-admin": "organization-user-admin",
    "org-template-admin": "organization-template-admin",
    "org-admin": "organization-admin",
    "custom-role": "custom",
  } as const;
  for (const [username, role] of Object.entries(organizationRoles) as [ActorName, string][]) {
    const user = await server.user(owner, { username });
    await owner.client.memberRolesUpdate({ params: { ...params, user: user.id }, body: { roles: [role] } });
    members[username] = user;
  }
  members.stranger = await createStranger(server, owner);
  members["service-account"] = await createServiceAccount(server, owner);
  const { proxy_token } = await owner.client.workspaceProxyCreate({ body: { name: "matrix" } });
  const key = await ana.client.tokenCreate({
    params: { user: "me" },
    body: { scope: "application_connect", token_name: "app" },
  });
  const users = { ...members, ana, owner };
  const each = <T>(pick: (user: TestUser) => T) =>
    Object.fromEntries(Object.entries(users).map(([name, user]) => [name, pick(user)]));
  return {
    owner,
    ana,
    tokens: {
      ...each(({ token }) => token),
      anonymous: undefined,
      agent: undefined,
      proxy: proxy_token,
      "ana-app-key": key.key,
    } as Actors["tokens"],
    ids: { ...each(({ id }) => id), "ana-app-key": ana.id },
  };
}

/** The administrator of another organization, who is no member of the first. */
async function createStranger(server: TestCoderd, owner: TestUser): Promise<TestUser> {
  const stranger = await server.user(owner, { username: "stranger" });
  const { id: organization } = await owner.client.organizationCreate({ body: { name: "elsewhere" } });
  await owner.client.memberAdd({ params: { organization, user: stranger.id } });
  await owner.client.memberRolesUpdate({
    params: { organization, user: stranger.id },
    body: { roles: ["organization-admin"] },
  });
  await owner.client.memberRemove({ params: { organization: "default", user: stranger.id } });
  return stranger;
}

async function createServiceAccount(server: TestCoderd, owner: TestUser): Promise<TestUser> {
  const username = "service-account";
  const { id } = await owner.client.userCreate({ body: { email: "", username, service_account: true } });
  const { key: token } = await owner.client.tokenCreate({ params: { user: id }, body: {} });
  return { client: server.clientOf(token), token, id, username, password: "" };
}

export type RouteNames = keyof Routes;

import type { Routes } from "@fleet/sdk";
import type { TestCoderd, TestUser } from "./coderd.js";

/** The actors, from least to most privileged. `ana` owns the workspaces, keys and inbox in the requests. */
export const ACTORS = [
  "anonymous",
  "agent",
  "ana-app-key",
  "ben",
  "ana",
  "auditor",
  "user-admin",
  "template-admin",
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
  const ben = await server.user(owner, { username: "ben" });
  const admin = await server.user(owner, { username: "org-admin" });
  const [auditor, userAdmin, templateAdmin] = await Promise.all(
    ["auditor", "user-admin", "template-admin"].map((role) =>
      server.user(owner, { username: role, roles: [role] }),
    ),
  );
  await owner.client.memberRolesUpdate({
    params: { organization: "default", user: admin.id },
    body: { roles: ["organization-admin"] },
  });
  const key = await ana.client.tokenCreate({
    params: { user: "me" },
    body: { scope: "application_connect", token_name: "app" },
  });
  const users = {
    ben,
    ana,
    auditor: auditor!,
    "user-admin": userAdmin!,
    "template-admin": templateAdmin!,
    "org-admin": admin,
    owner,
  };
  const each = <T>(pick: (user: TestUser) => T) =>
    Object.fromEntries(Object.entries(users).map(([name, user]) => [name, pick(user)]));
  return {
    owner,
    ana,
    tokens: {
      ...each(({ token }) => token),
      anonymous: undefined,
      agent: undefined,
      "ana-app-key": key.key,
    } as Actors["tokens"],
    ids: { ...each(({ id }) => id), "ana-app-key": ana.id },
  };
}

export type RouteNames = keyof Routes;

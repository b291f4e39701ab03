import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { AccessMethod, CheckedGrant_Verdict, type Grant } from "@fleet/proto-gen/proxy";
import { createClient } from "@fleet/sdk";
import { waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import { createDatabase } from "../database/client.js";
import { createAgentWorkspace, createTestAgent, createTestProxy } from "../testing/agents.js";
import { createTestCoderd, type TestUser } from "../testing/coderd.js";
import { built, startProvisioner } from "../testing/work.js";

/** A share that is taken back ends what is open within this time. */
const WITHIN_MS = 5_000;
const ORGANIZATION = { organization: "default" };

async function start(env: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(
    await createTestCoderd({ env: { CODER_WILDCARD_ACCESS_URL: "*.apps.test", ...env } }),
  );
  const owner = await server.owner();
  const [ana, ben, cleo] = await Promise.all(
    ["ana", "ben", "cleo"].map((username) => server.user(owner, { username })),
  );
  const daemon = stack.use(await startProvisioner(server));
  daemon.serve();
  const apps = [{ id: randomUUID(), slug: "code", url: "http://localhost:1", subdomain: true }];
  const made = await createAgentWorkspace(owner, ana!, { apps });
  const params = { workspace: made.workspace.id };
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 2 });
  stack.defer(close);
  return {
    ...made,
    stack,
    server,
    owner,
    ana: ana!,
    ben: ben!,
    cleo: cleo!,
    db,
    daemon,
    params,
    /** Shares as ana, who owns the workspace. */
    share: (users: Record<string, "use" | "admin" | "">, groups: Record<string, "use" | "admin" | ""> = {}) =>
      ana!.client.workspaceAclUpdate({ params, body: { user_roles: users, group_roles: groups } }),
    acl: async () => {
      const { users, group } = await ana!.client.workspaceAcl({ params });
      return [...users.map((one) => [one.username, one.role]), ...group.map((one) => [one.name, one.role])];
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

type World = Awaited<ReturnType<typeof start>>;

/** What a user may do with the workspace, each as a request. */
const DEEDS: Record<string, (world: World, user: TestUser) => Promise<unknown>> = {
  read: ({ params }, { client }) => client.workspaceGet({ params }),
  "read its agent": ({ agentId }, { client }) => client.agentGet({ params: { agent: agentId } }),
  "read its build": ({ workspace }, { client }) =>
    client.workspaceBuildGet({ params: { build: workspace.latest_build.id } }),
  "connect to it": ({ agentId }, { client }) => client.agentConnectionInfoGet({ params: { agent: agentId } }),
  "use it": ({ params }, { client }) => client.workspaceUsage({ params, body: {} }),
  "change it": ({ params }, { client }) => client.workspaceTtlUpdate({ params, body: { ttl_ms: 3_600_000 } }),
  "share it": ({ params, cleo }, { client }) =>
    client.workspaceAclUpdate({ params, body: { user_roles: { [cleo.id]: "" } } }),
  "delete it": ({ params }, { client }) =>
    client.workspaceBuildCreate({ params, body: { transition: "delete" } }),
  "read its state": ({ workspace }, { client }) =>
    client.workspaceBuildState({ params: { build: workspace.latest_build.id } }),
};

const outcome = (deed: Promise<unknown>): Promise<string> =>
  deed.then(
    () => "done",
    (error) => error.code,
  );

async function mayDo(world: World, user: TestUser): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, deed] of Object.entries(DEEDS)) found[name] = await outcome(deed(world, user));
  return found;
}

const OUTSIDE = Object.fromEntries(Object.keys(DEEDS).map((name) => [name, "not_found"]));
const USES = {
  read: "done",
  "read its agent": "done",
  "read its build": "done",
  "connect to it": "done",
  "use it": "done",
  "change it": "permission_denied",
  "share it": "permission_denied",
  "delete it": "permission_denied",
  "read its state": "permission_denied",
};

test("roles decide what those whom a workspace is shared with may do, directly and by a group", async () => {
  await using world = await start();
  const { share, ben, cleo, owner, params } = world;
  expect(await mayDo(world, ben)).toEqual(OUTSIDE);
  await share({ [ben.id]: "use" });
  expect(await mayDo(world, ben)).toEqual(USES);
  await share({ [ben.id]: "admin" });
  expect(await mayDo(world, ben)).toEqual({ ...USES, "change it": "done", "share it": "done" });
  await share({ [ben.id]: "" });
  expect(await mayDo(world, ben)).toEqual(OUTSIDE);

  const devs = await owner.client.groupCreate({ params: ORGANIZATION, body: { name: "devs" } });
  await owner.client.groupUpdate({ params: { group: devs.id }, body: { add_users: [cleo.id] } });
  await share({}, { [devs.id]: "use" });
  expect(await mayDo(world, cleo)).toEqual(USES);
  expect(await mayDo(world, ben)).toEqual(OUTSIDE);

  // Starting and stopping come with the role to use.
  const stop = await cleo.client.workspaceBuildCreate({ params, body: { transition: "stop" } });
  expect(stop.initiator_name).toBe("cleo");
  await built(cleo, world.workspace);
  await cleo.client.workspaceBuildCreate({ params, body: { transition: "start" } });
  await built(cleo, world.workspace);
});

test("lists hold what is shared with their reader, and say with whom", async () => {
  await using world = await start();
  const { share, ana, ben, cleo, owner, workspace } = world;
  const devs = await owner.client.groupCreate({
    params: ORGANIZATION,
    body: { name: "devs", display_name: "Developers" },
  });
  await owner.client.groupUpdate({ params: { group: devs.id }, body: { add_users: [cleo.id] } });
  const list = async ({ client }: TestUser, q = "") => {
    const { workspaces, count } = await client.workspaceList({ query: { q } });
    expect(count).toBe(workspaces.length);
    return workspaces.map(({ id }) => id);
  };
  expect(await list(ben)).toEqual([]);
  await share({ [ben.id]: "admin" }, { [devs.id]: "use" });
  for (const user of [ben, cleo]) expect(await list(user)).toEqual([workspace.id]);
  for (const query of [
    "shared:true",
    "shared_with_user:ben",
    `shared_with_user:${ben.id}`,
    "shared_with_group:devs",
    "shared_with_group:coder/devs",
    `shared_with_group:${devs.id}`,
  ])
    expect([query, await list(ana, query)]).toEqual([query, [workspace.id]]);
  expect(await list(ben, "shared_with_user:me")).toEqual([workspace.id]);
  for (const query of ["shared:false", "shared_with_user:cleo", "shared_with_group:other/devs"])
    expect([query, await list(ana, query)]).toEqual([query, []]);
  const { shared_with } = await ben.client.workspaceGet({ params: world.params });
  expect(shared_with).toEqual([
    { id: ben.id, actor_type: "user", name: "ben", avatar_url: "", roles: ["admin"] },
    { id: devs.id, actor_type: "group", name: "Developers", avatar_url: "", roles: ["use"] },
  ]);
  const available = await ana.client.workspaceAclAvailable({ params: world.params, query: { q: "e" } });
  expect(available.users.map(({ username }) => username)).toEqual(["ben", "cleo", "owner"]);
  expect(available.groups.map(({ name }) => name)).toEqual(["devs", "Everyone"].sort());
  await expect(cleo.client.workspaceAclAvailable({ params: world.params })).rejects.toMatchObject({
    code: "permission_denied",
  });
});

test("only members and groups of the workspace's organization, and never oneself or the owner", async () => {
  await using world = await start();
  const { share, acl, ana, ben, cleo, owner, params, server } = world;
  const acme = await owner.client.organizationCreate({ body: { name: "acme" } });
  const crew = await owner.client.groupCreate({ params: { organization: acme.id }, body: { name: "crew" } });
  const stranger = await server.user(owner, { username: "stranger" });
  await owner.client.memberRemove({ params: { ...ORGANIZATION, user: stranger.id } });
  await owner.client.memberAdd({ params: { organization: acme.id, user: stranger.id } });
  const gone = await server.user(owner, { username: "gone" });
  await owner.client.userDelete({ params: { user: gone.id } });

  const refused = (field: string) => ({ code: "invalid_argument", validations: [{ field }] });
  for (const id of ["ben", "", "*", `${ben.id}x`, randomUUID(), stranger.id, gone.id, ana.id])
    await expect(share({ [id]: "use" })).rejects.toMatchObject(refused("user_roles"));
  for (const id of ["Everyone", randomUUID(), crew.id, acme.id, ben.id])
    await expect(share({}, { [id]: "use" })).rejects.toMatchObject(refused("group_roles"));
  expect(await acl()).toEqual([]);

  await share({ [ben.id]: "admin", [cleo.id]: "use" });
  for (const role of ["use", ""] as const)
    await expect(
      ben.client.workspaceAclUpdate({ params, body: { user_roles: { [ben.id]: role } } }),
    ).rejects.toMatchObject(refused("user_roles"));
  await expect(ben.client.workspaceAclDelete({ params })).rejects.toMatchObject(refused("user_roles"));
  // A site owner may share every workspace, so nothing is gained by refusing.
  await owner.client.workspaceAclUpdate({ params, body: { user_roles: { [owner.id]: "use" } } });
  await ben.client.workspaceAclUpdate({ params, body: { user_roles: { [cleo.id]: "admin" } } });
  expect(await acl()).toEqual([
    ["ben", "admin"],
    ["cleo", "admin"],
    ["owner", "use"],
  ]);
  await ana.client.workspaceAclDelete({ params });
  expect(await acl()).toEqual([]);
  const { audit_logs } = await owner.client.auditList({
    query: { q: "resource_type:workspace action:write" },
  });
  expect(audit_logs[0]).toMatchObject({
    diff: { user_acl: { old: expect.objectContaining({ [ben.id]: ["admin"] }), new: {} } },
  });
});

test("two replicas change the shares at once, and nothing is lost", async () => {
  await using world = await start();
  const { server, ana, owner, acl, params } = world;
  const other = createClient({ baseUrl: (await server.replica()).httpUrl, token: ana.token });
  const users = await Promise.all(
    Array.from({ length: 10 }, (_, index) => server.user(owner, { username: `u${index}` })),
  );
  await Promise.all(
    users.map(({ id }, index) =>
      (index % 2 ? other : ana.client).workspaceAclUpdate({ params, body: { user_roles: { [id]: "use" } } }),
    ),
  );
  expect((await acl()).length).toBe(users.length);
});

test("a workspace is shared with a bounded number of users and groups", async () => {
  await using world = await start();
  const { ana, db, params, share, ben, acl } = world;
  const many = Object.fromEntries(Array.from({ length: 1_000 }, () => [randomUUID(), ["use"]]));
  await db.workspace.update({ where: { id: params.workspace }, data: { userAcl: many } });
  await expect(share({ [ben.id]: "use" })).rejects.toMatchObject({ code: "invalid_argument" });
  expect(await acl()).toEqual([]);
  await ana.client.workspaceAclDelete({ params });
  const ids = Object.fromEntries(Array.from({ length: 10_000 }, () => [randomUUID(), "use" as const]));
  await expect(share(ids)).rejects.toMatchObject({ code: "invalid_argument" });
});

const ENDINGS: Record<string, (world: World) => Promise<unknown>> = {
  "the share is taken back": ({ share, ben }) => share({ [ben.id]: "" }),
  "all shares are taken back": ({ ana, params }) => ana.client.workspaceAclDelete({ params }),
  "the organization disables sharing": ({ owner }) =>
    owner.client.workspaceSharingSettingsUpdate({
      params: ORGANIZATION,
      body: { shareable_workspace_owners: "none" },
    }),
  "the organization limits sharing to service accounts": ({ owner }) =>
    owner.client.workspaceSharingSettingsUpdate({
      params: ORGANIZATION,
      body: { shareable_workspace_owners: "service_accounts" },
    }),
  "the member leaves the organization, and returns": async ({ owner, ben }) => {
    await owner.client.memberRemove({ params: { ...ORGANIZATION, user: ben.id } });
    await owner.client.memberAdd({ params: { ...ORGANIZATION, user: ben.id } });
  },
  "the member is suspended": ({ owner, ben }) => owner.client.userSuspend({ params: { user: ben.id } }),
  "the member is deleted": ({ owner, ben }) => owner.client.userDelete({ params: { user: ben.id } }),
  "the workspace gets another owner": ({ db, params, cleo }) =>
    db.workspace.update({ where: { id: params.workspace }, data: { ownerId: cleo.id } }),
  "the workspace is deleted": async ({ ana, params, workspace }) => {
    await ana.client.workspaceBuildCreate({ params, body: { transition: "delete" } });
    await built(ana, workspace);
  },
};

/** What the user has open: a terminal and an app at a proxy, and streams at another replica. */
async function openAll(world: World, user: TestUser) {
  const { server, agentId, token, workspace, stack } = world;
  const agent = stack.use(await createTestAgent(server, token));
  await agent.connect();
  const proxy = stack.use(await createTestProxy(server));
  const { grant: ssh } = await proxy.client.authorizeAgent({
    agentId,
    sessionToken: user.token,
    kind: "pty",
  });
  const { decision } = await proxy.client.authorizeApp({
    accessMethod: AccessMethod.SUBDOMAIN,
    usernameOrId: "ana",
    workspaceNameOrId: "dev",
    agentNameOrId: "main",
    appSlugOrPort: "code",
    sessionToken: user.token,
    requestUrl: "http://x.apps.test/",
  });
  if (decision.case !== "granted") throw new Error(`The app is not granted: ${decision.case}`);
  const grants: Grant[] = [ssh!, decision.value.target!.grant!];

  const other = await server.replica();
  const paths = [
    `/workspaces/${workspace.id}/watch-ws`,
    `/workspaceagents/${agentId}/logs?follow`,
    `/workspaceagents/${agentId}/watch-metadata-ws`,
  ];
  const streams = paths.map((path) => {
    const socket = new WebSocket(`${other.httpUrl.replace("http", "ws")}/api/v2${path}`, {
      headers: { "Coder-Session-Token": user.token },
    });
    socket.on("error", () => {});
    return socket;
  });
  await Promise.all(streams.map((socket) => once(socket, "open")));
  return async () => {
    const { grants: checked } = await proxy.client.checkGrants({ grants });
    const verdicts = checked.map(({ verdict }) => verdict === CheckedGrant_Verdict.ENDED);
    return [...verdicts, ...streams.map(({ readyState }) => readyState === WebSocket.CLOSED)];
  };
}

test.each(Object.entries(ENDINGS))(
  "%s: what is open ends everywhere, and nothing is left",
  async (_, end) => {
    await using world = await start();
    const { share, ben, db, params } = world;
    await share({ [ben.id]: "use" });
    const ended = await openAll(world, ben);
    expect(await ended()).toEqual([false, false, false, false, false]);
    await end(world);
    await waitFor(async () => (await ended()).every(Boolean), {
      what: "everything to end",
      timeoutMs: WITHIN_MS,
    });
    if (end === ENDINGS["the member is suspended"]) return;
    const { userAcl } = await db.workspace.findUniqueOrThrow({ where: { id: params.workspace } });
    expect(userAcl).toEqual({});
  },
);

test("a share with a group ends with the group, and for who leaves it", async () => {
  await using world = await start();
  const { share, ben, cleo, owner, db, params } = world;
  const devs = await owner.client.groupCreate({ params: ORGANIZATION, body: { name: "devs" } });
  const group = { group: devs.id };
  await owner.client.groupUpdate({ params: group, body: { add_users: [ben.id, cleo.id] } });
  await share({}, { [devs.id]: "use" });
  const ended = await openAll(world, ben);
  await owner.client.groupUpdate({ params: group, body: { remove_users: [ben.id] } });
  await waitFor(async () => (await ended()).every(Boolean), {
    what: "everything to end",
    timeoutMs: WITHIN_MS,
  });
  await cleo.client.workspaceGet({ params });
  await owner.client.groupDelete({ params: group });
  await expect(cleo.client.workspaceGet({ params })).rejects.toMatchObject({ code: "not_found" });
  const { groupAcl } = await db.workspace.findUniqueOrThrow({ where: { id: params.workspace } });
  expect(groupAcl).toEqual({});
});

test("an organization says whose workspaces can be shared", async () => {
  await using world = await start();
  const { share, ana, ben, owner, params, acl } = world;
  const settings = (body: object) =>
    owner.client.workspaceSharingSettingsUpdate({ params: ORGANIZATION, body });
  expect(await ben.client.workspaceSharingSettings({ params: ORGANIZATION })).toEqual({
    sharing_globally_disabled: false,
    sharing_disabled: false,
    shareable_workspace_owners: "everyone",
  });
  await expect(
    ben.client.workspaceSharingSettingsUpdate({ params: ORGANIZATION, body: { sharing_disabled: true } }),
  ).rejects.toMatchObject({ code: "permission_denied" });
  await expect(settings({})).rejects.toMatchObject({ code: "invalid_argument" });
  await settings({ sharing_disabled: true });
  for (const user of [ana, owner])
    await expect(
      user.client.workspaceAclUpdate({ params, body: { user_roles: { [ben.id]: "use" } } }),
    ).rejects.toMatchObject({ code: "permission_denied", message: /disabled for this organization/ });
  await settings({ shareable_workspace_owners: "service_accounts" });
  await expect(share({ [ben.id]: "use" })).rejects.toMatchObject({ code: "permission_denied" });

  const bot = await owner.client.userCreate({ body: { email: "", username: "bot", service_account: true } });
  const shared = await owner.client.workspaceCreate({
    params: { user: bot.id },
    body: { template_id: world.template.id, name: "qa" },
  });
  await owner.client.workspaceAclUpdate({
    params: { workspace: shared.id },
    body: { user_roles: { [ben.id]: "use" } },
  });
  await settings({ shareable_workspace_owners: "service_accounts" });
  await ben.client.workspaceGet({ params: { workspace: shared.id } });
  await settings({ sharing_disabled: false });
  await share({ [ben.id]: "use" });
  expect(await acl()).toEqual([["ben", "use"]]);
});

test("a deployment without sharing shares nothing, even what is stored as shared", async () => {
  await using world = await start({ CODER_DISABLE_WORKSPACE_SHARING: "true" });
  const { share, ben, owner, db, params, ana } = world;
  for (const user of [ana, owner])
    await expect(
      user.client.workspaceAclUpdate({ params, body: { user_roles: { [ben.id]: "use" } } }),
    ).rejects.toMatchObject({ code: "permission_denied", message: /disabled for this deployment/ });
  await expect(share({})).rejects.toMatchObject({ code: "permission_denied" });
  await db.workspace.update({ where: { id: params.workspace }, data: { userAcl: { [ben.id]: ["admin"] } } });
  await expect(ben.client.workspaceGet({ params })).rejects.toMatchObject({ code: "not_found" });
  expect((await ben.client.workspaceList({ query: {} })).count).toBe(0);
  expect(await owner.client.workspaceSharingSettings({ params: ORGANIZATION })).toMatchObject({
    sharing_globally_disabled: true,
    sharing_disabled: true,
  });
});

import { once } from "node:events";
import { type RouteSpec, routes } from "@fleet/sdk";
import { waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import type { Coderd } from "../coderd.js";
import { createDatabase } from "../database/client.js";
import { createAgentWorkspace, createTestProxy } from "../testing/agents.js";
import { createTestCoderd, type TestCoderd, type TestUser } from "../testing/coderd.js";
import { createVersion, startProvisioner } from "../testing/work.js";

/** Revoked streams must end within this time, on every replica. */
const WITHIN_MS = 5_000;

const byWorkspace = [
  "agentContainersWatch",
  "agentLogsFollow",
  "agentWatchMetadata",
  "agentWatchMetadataSocket",
  "workspaceBuildLogsFollow",
  "workspaceWatch",
  "workspaceWatchSocket",
] as const;
const byTemplate = ["templateVersionLogsFollow", "dryRunLogsFollow"] as const;
/** What every member of the organization may open. */
const byMembership = ["templateVersionDynamicParameters"] as const;
const own = ["inboxWatch", "updatesWatch"] as const;
const everything = [...byWorkspace, ...byTemplate, ...byMembership, ...own];
type StreamName = (typeof everything)[number];
/** Those of the agents themselves. */
const ofAgents = ["agentSelfReinit"] as const;

test("every stream that coderd serves is in the table", () => {
  const served = Object.entries<RouteSpec>(routes).filter(
    ([, { stream, access }]) =>
      stream !== undefined && ["sse", "websocket", "exchange"].includes(stream) && access !== "public",
  );
  expect(served.map(([name]) => name).sort()).toEqual([...everything, ...ofAgents].sort());
});

type Open = { name: StreamName | (typeof ofAgents)[number]; ended: boolean; code?: number; close(): void };

/** Opens the stream as a browser would. Resolves once the server has accepted it. */
async function openStream(
  name: Open["name"],
  baseUrl: string,
  token: string,
  ids: Record<string, string>,
): Promise<Open> {
  const route: RouteSpec = routes[name];
  const path = route.path.replace(/:(\w+)/g, (_, param: string) => ids[param]!);
  const headers = { "Coder-Session-Token": token };
  if (route.stream === "sse") {
    const abort = new AbortController();
    const accept = { ...headers, Accept: "text/event-stream" };
    const response = await fetch(`${baseUrl}${path}`, { headers: accept, signal: abort.signal });
    expect(response.status).toBe(200);
    const open: Open = { name, ended: false, close: () => abort.abort() };
    void (async () => {
      for await (const _ of response.body!);
    })()
      .catch(() => {})
      .finally(() => {
        open.ended = true;
      });
    return open;
  }
  const socket = new WebSocket(`${baseUrl.replace("http", "ws")}${path}?follow`, { headers });
  const open: Open = { name, ended: false, close: () => socket.terminate() };
  socket.on("error", () => {});
  socket.on("close", (code) => {
    open.ended = true;
    open.code = code;
  });
  await once(socket, "open");
  return open;
}

type World = {
  server: TestCoderd;
  /** A second replica, besides the one where access is revoked. */
  other: Coderd;
  owner: TestUser;
  ids: Record<string, string>;
  agentToken: string;
  db: ReturnType<typeof createDatabase>["db"];
};

const stack = new AsyncDisposableStack();
let world: World;

beforeAll(async () => {
  const server = stack.use(await createTestCoderd());
  const owner = await server.owner();
  const daemon = await startProvisioner(server);
  daemon.serve();
  const { workspace, template, agentId, token: agentToken } = await createAgentWorkspace(owner, owner);
  await daemon[Symbol.asyncDispose]();
  // From here on, a job that waits for a daemon never ends by itself.
  const params = { workspace: workspace.id };
  const build = await owner.client.workspaceBuildCreate({ params, body: { transition: "start" } });
  const version = await createVersion(owner);
  const dryRun = await owner.client.dryRunCreate({
    params: { version: template.active_version_id },
    body: { workspace_name: "x", rich_parameter_values: [], user_variable_values: [] },
  });
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 2 });
  stack.defer(close);
  world = {
    server,
    other: await server.replica(),
    owner,
    db,
    agentToken,
    ids: {
      workspace: workspace.id,
      agent: agentId,
      build: build.id,
      version: version.id,
      dryRunVersion: template.active_version_id,
      job: dryRun.id,
    },
  };
});
afterAll(() => stack.disposeAsync());

const idsOf = (name: Open["name"], { ids }: World): Record<string, string> =>
  ["dryRunLogsFollow", "templateVersionDynamicParameters"].includes(name)
    ? { ...ids, version: ids.dryRunVersion! }
    : ids;

/** An organization administrator, who may read everything in it. */
async function createViewer({ server, owner }: World): Promise<TestUser> {
  const viewer = await server.user(owner);
  await owner.client.memberRolesUpdate({
    params: { organization: "default", user: viewer.id },
    body: { roles: ["organization-admin"] },
  });
  return viewer;
}

const openAll = (token: string) =>
  Promise.all(everything.map((name) => openStream(name, world.other.httpUrl, token, idsOf(name, world))));

type Ending = {
  ends: readonly Open["name"][];
  /** The token that opens the streams, if not the viewer's session. */
  token?(viewer: TestUser): Promise<string>;
  happens(world: World, viewer: TestUser, token: string): Promise<unknown>;
};

const me = { user: "me" };
const newToken = async ({ client }: TestUser, lifetime?: number) =>
  (await client.tokenCreate({ params: me, body: lifetime ? { lifetime } : {} })).key;
const keyOf = (token: string) => token.split("-")[0]!;

const ENDINGS: Record<string, Ending> = {
  "the user signs out": { ends: everything, happens: (_, { client }) => client.logout() },
  "the token is deleted": {
    ends: everything,
    token: newToken,
    happens: (_, { client }, token) => client.keyDelete({ params: { ...me, key: keyOf(token) } }),
  },
  "the token is expired": {
    ends: everything,
    token: newToken,
    happens: (_, { client }, token) => client.keyExpire({ params: { ...me, key: keyOf(token) } }),
  },
  "the token's time is over": {
    ends: everything,
    token: (viewer) => newToken(viewer, 3_000_000_000),
    happens: async () => {},
  },
  "the user is suspended": {
    ends: everything,
    happens: ({ owner }, { id }) => owner.client.userSuspend({ params: { user: id } }),
  },
  "the user is suspended, and has a token": {
    ends: everything,
    token: newToken,
    happens: ({ owner }, { id }) => owner.client.userSuspend({ params: { user: id } }),
  },
  "the user is deleted": {
    ends: everything,
    happens: ({ owner }, { id }) => owner.client.userDelete({ params: { user: id } }),
  },
  "an administrator sets another password": {
    ends: everything,
    happens: ({ owner }, { id }) =>
      owner.client.userPasswordUpdate({ params: { user: id }, body: { password: "AnotherPassword!1" } }),
  },
  "the user loses the role": {
    ends: [...byWorkspace, ...byTemplate],
    happens: ({ owner }, { id }) =>
      owner.client.memberRolesUpdate({
        params: { organization: "default", user: id },
        body: { roles: [] },
      }),
  },
  "the user is removed from the organization": {
    ends: [...byWorkspace, ...byTemplate, ...byMembership],
    happens: ({ owner }, { id }) =>
      owner.client.memberRemove({ params: { organization: "default", user: id } }),
  },
  "somebody edits the table of keys by hand": {
    ends: everything,
    happens: ({ db }, { id }) => db.apiKey.deleteMany({ where: { userId: id } }),
  },
};

test.each(Object.entries(ENDINGS))(
  "%s: all streams that this ends end on the other replica, and no others",
  async (_, ending) => {
    const [viewer, bystander] = [await createViewer(world), await createViewer(world)];
    const token = (await ending.token?.(viewer)) ?? viewer.token;
    const [streams, others] = await Promise.all([openAll(token), openAll(bystander.token)]);
    try {
      await ending.happens(world, viewer, token);
      await waitFor(() => streams.every(({ name, ended }) => ended || !ending.ends.includes(name)), {
        what: "the streams to end",
        timeoutMs: WITHIN_MS,
      });
      expect(streams.filter(({ ended }) => ended).map(({ name }) => name)).toEqual(
        [...ending.ends].sort(byTable),
      );
      for (const { code } of streams) if (code !== undefined) expect(code).toBe(1008);
      expect(others.filter(({ ended }) => ended)).toEqual([]);
    } finally {
      for (const { close } of [...streams, ...others]) close();
    }
  },
);

const byTable = (a: Open["name"], b: Open["name"]) =>
  everything.indexOf(a as StreamName) - everything.indexOf(b as StreamName);

test("narrowing a template's access list and deleting a workspace end the streams that depend on them", async () => {
  const { owner, server, db, ids } = world;
  const ben = await server.user(owner, { username: "ben" });
  const template = await db.workspace.findUniqueOrThrow({ where: { id: ids.workspace! } });
  const params = { template: template.templateId };
  await owner.client.templateAclUpdate({ params, body: { user_perms: { [ben.id]: "admin" } } });
  const dryRun = await openStream(
    "dryRunLogsFollow",
    world.other.httpUrl,
    ben.token,
    idsOf("dryRunLogsFollow", world),
  );
  await owner.client.templateAclUpdate({ params, body: { user_perms: { [ben.id]: "" } } });
  await waitFor(() => dryRun.ended, { what: "the stream to end", timeoutMs: WITHIN_MS });

  const viewer = await createViewer(world);
  const streams = await openAll(viewer.token);
  const ofAgent = await openStream("agentSelfReinit", world.other.httpUrl, world.agentToken, ids);
  await db.workspace.update({ where: { id: ids.workspace! }, data: { deleted: true } });
  // A deleted workspace's state and the log of the build that deleted it stay readable.
  const builds = ["workspaceBuildLogsFollow", "workspaceWatch", "workspaceWatchSocket"] as const;
  const stays = [...builds, ...byTemplate, ...byMembership, ...own];
  const rest = () => streams.filter(({ ended }) => !ended).map(({ name }) => name);
  await waitFor(() => rest().length <= stays.length, { what: "the streams to end", timeoutMs: WITHIN_MS });
  expect(rest()).toEqual(stays);
  await waitFor(() => ofAgent.ended, { what: "the agent's stream to end", timeoutMs: WITHIN_MS });
  for (const { close } of streams) close();
});

test("replacing a proxy's token and deleting a provisioner's key end their streams", async () => {
  const { owner, server } = world;
  const { proxy, proxy_token: token } = await owner.client.workspaceProxyCreate({ body: { name: "east" } });
  using connected = await createTestProxy(server, undefined, token);
  await owner.client.workspaceProxyUpdate({
    params: { proxy: proxy.id },
    body: { name: "east", display_name: "", icon: "", regenerate_token: true },
  });
  await expect(connected.ended).rejects.toMatchObject({ code: "unauthenticated" });
  const call = connected.client.lookupRoute({ agentId: world.ids.agent! });
  await expect(call).rejects.toMatchObject({ code: "unauthenticated" });

  const organization = "default";
  const { key } = await owner.client.provisionerKeyCreate({ params: { organization }, body: { name: "k" } });
  await using daemon = await startProvisioner(server, { key });
  const job = await daemon.acquire();
  const update = daemon.client.updateJob();
  await update.send({ jobId: job.id, daemonId: daemon.id, sequence: 1n });
  const answers = update[Symbol.asyncIterator]();
  expect((await answers.next()).done).toBe(false);
  await owner.client.provisionerKeyDelete({ params: { organization, keyName: "k" } });
  await expect(answers.next()).rejects.toMatchObject({ code: "unauthenticated" });
});

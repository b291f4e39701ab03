import { randomUUID } from "node:crypto";
import { SharingLevel } from "@fleet/proto-gen/provisioner";
import { AccessMethod, CheckedGrant_Verdict, type Grant } from "@fleet/proto-gen/proxy";
import { waitFor } from "@fleet/testkit";
import { createDatabase } from "../database/client.js";
import { createAgentWorkspace, createTestAgent, createTestProxy } from "../testing/agents.js";
import { createTestCoderd } from "../testing/coderd.js";
import { built, startProvisioner } from "../testing/work.js";

const LEVELS = ["owner", "organization", "authenticated", "public"] as const;
const WITHIN_MS = 5_000;

async function start() {
  const stack = new AsyncDisposableStack();
  const env = { CODER_WILDCARD_ACCESS_URL: "*.apps.test" };
  const server = stack.use(await createTestCoderd({ env }));
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  const ben = await server.user(owner, { username: "ben" });
  stack.use(await startProvisioner(server)).serve();
  const apps = LEVELS.map((level) => ({
    id: randomUUID(),
    slug: level,
    displayName: level,
    url: "http://localhost:8080",
    subdomain: true,
    sharingLevel: SharingLevel[level.toUpperCase() as keyof typeof SharingLevel],
  }));
  const made = await createAgentWorkspace(owner, ana, { apps });
  const agent = stack.use(await createTestAgent(server, made.token));
  await agent.connect();
  await ana.client.portShareUpsert({
    params: { workspace: made.workspace.id },
    body: { agent_name: "main", port: 9000, share_level: "organization" },
  });
  const proxy = stack.use(await createTestProxy(server));
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 2 });
  stack.defer(close);

  async function appOf(slug: string, token: string, method = AccessMethod.SUBDOMAIN): Promise<Grant> {
    const { decision } = await proxy.client.authorizeApp({
      accessMethod: method,
      usernameOrId: "ana",
      workspaceNameOrId: "dev",
      agentNameOrId: "main",
      appSlugOrPort: slug,
      sessionToken: token,
      requestUrl: "http://x.apps.test/",
    });
    if (decision.case !== "granted") throw new Error(`${slug} is not granted: ${decision.case}`);
    return decision.value.target!.grant!;
  }
  const streamOf = async (token: string, kind: string): Promise<Grant> =>
    (await proxy.client.authorizeAgent({ agentId: made.agentId, sessionToken: token, kind })).grant!;

  const grants: Record<string, Grant> = {
    "ana's SSH": await streamOf(ana.token, "ssh"),
    "the owner's terminal": await streamOf(owner.token, "pty"),
    "ana's app": await appOf("owner", ana.token),
    "ana's app by path": await appOf("owner", ana.token, AccessMethod.PATH),
    "ben's app of the organization": await appOf("organization", ben.token),
    "ben's port of the organization": await appOf("9000", ben.token),
    "ben's app of the signed in": await appOf("authenticated", ben.token),
    "a visitor's app": await appOf("public", ""),
  };
  /** The ones that have ended. */
  async function ended(): Promise<string[]> {
    const { grants: checked } = await proxy.client.checkGrants({ grants: Object.values(grants) });
    return Object.keys(grants).filter((_, i) => checked[i]!.verdict === CheckedGrant_Verdict.ENDED);
  }
  return {
    ...made,
    server,
    owner,
    ana,
    ben,
    proxy,
    db,
    grants,
    ended,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

type Test = Awaited<ReturnType<typeof start>>;

const ANAS = ["ana's SSH", "ana's app", "ana's app by path"];
const BENS = [
  "ben's app of the organization",
  "ben's port of the organization",
  "ben's app of the signed in",
];
const IN_ORGANIZATION = ["ben's app of the organization", "ben's port of the organization"];
const ORGANIZATION = { organization: "default" };

const ENDINGS: Record<string, [happens: (test: Test) => Promise<unknown>, ends: readonly string[]]> = {
  "ana signs out": [({ ana }) => ana.client.logout(), ANAS],
  "ana is suspended": [({ owner, ana }) => owner.client.userSuspend({ params: { user: ana.id } }), ANAS],
  "ben is suspended": [({ owner, ben }) => owner.client.userSuspend({ params: { user: ben.id } }), BENS],
  "ben leaves the organization": [
    ({ owner, ben }) => owner.client.memberRemove({ params: { ...ORGANIZATION, user: ben.id } }),
    IN_ORGANIZATION,
  ],
  "ana leaves the organization": [
    ({ owner, ana }) => owner.client.memberRemove({ params: { ...ORGANIZATION, user: ana.id } }),
    ANAS,
  ],
  "the port is shared no more": [
    ({ ana, workspace }) =>
      ana.client.portShareDelete({
        params: { workspace: workspace.id },
        body: { agent_name: "main", port: 9000 },
      }),
    ["ben's port of the organization"],
  ],
  "the port is shared with fewer": [
    ({ ana, workspace }) =>
      ana.client.portShareUpsert({
        params: { workspace: workspace.id },
        body: { agent_name: "main", port: 9000, share_level: "owner" },
      }),
    ["ben's port of the organization"],
  ],
  "the template lets ports be shared with fewer": [
    ({ owner, template }) =>
      owner.client.templateUpdate({
        params: { template: template.id },
        body: { max_port_share_level: "owner" },
      }),
    ["ben's port of the organization"],
  ],
  "the workspace becomes another user's": [
    ({ db, workspace, owner }) =>
      db.workspace.update({ where: { id: workspace.id }, data: { ownerId: owner.id } }),
    ANAS,
  ],
  "the workspace is deleted": [
    ({ db, workspace }) => db.workspace.update({ where: { id: workspace.id }, data: { deleted: true } }),
    ["ana's SSH", "the owner's terminal", "ana's app", "ana's app by path", ...BENS, "a visitor's app"],
  ],
  "the workspace is stopped": [
    async ({ ana, workspace }) => {
      await ana.client.workspaceBuildCreate({
        params: { workspace: workspace.id },
        body: { transition: "stop" },
      });
      await built(ana, workspace);
    },
    // Streams to the agent end when its tunnel does.
    ["ana's app", "ana's app by path", ...BENS, "a visitor's app"],
  ],
};

test.each(Object.entries(ENDINGS))(
  "%s: proxies are told, and then that these grants have ended and no others",
  async (_, [happens, ends]) => {
    await using test = await start();
    expect(await test.ended()).toEqual([]);
    await happens(test);
    expect(await test.ended()).toEqual(ends);
    const restOn = ({ keyId, userId, workspaceId }: Grant) => [
      `key:${keyId}`,
      `user:${userId}`,
      `workspace:${workspaceId}`,
    ];
    await waitFor(
      () =>
        ends.every((name) =>
          restOn(test.grants[name]!).some((subject) => test.proxy.changed().includes(subject)),
        ),
      { what: "the proxy to be told", timeoutMs: WITHIN_MS },
    );
  },
);

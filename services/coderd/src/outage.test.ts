import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { nullLogger } from "@fleet/base";
import { createClient } from "@fleet/sdk";
import { type Relay, startRelay, waitFor } from "@fleet/testkit";
import pg from "pg";
import { Registry } from "prom-client";
import { createCoderd } from "./coderd.js";
import { createTestCoderd, type TestUser } from "./testing/coderd.js";
import { built, createTemplate, createWorkspace, startProvisioner } from "./testing/work.js";

/** A deployment, and a replica that connects to its Postgres and Redis through relays. */
async function createDistant() {
  const server = await createTestCoderd();
  const { CODER_PG_CONNECTION_URL, CODER_REDIS_URL } = server.config;
  const postgres = await startRelay({ port: Number(new URL(CODER_PG_CONNECTION_URL).port) });
  const redis = await startRelay({ port: Number(new URL(CODER_REDIS_URL).port) });
  const registry = new Registry();
  const coderd = await createCoderd({
    config: {
      ...server.config,
      CODER_PG_CONNECTION_URL: over(postgres, CODER_PG_CONNECTION_URL),
      CODER_REDIS_URL: over(redis, CODER_REDIS_URL),
      CODER_API_RATE_LIMIT: 1_000,
    },
    logger: nullLogger,
    registry,
  });
  return {
    server,
    postgres,
    redis,
    coderd,
    as: ({ token }: TestUser) => createClient({ baseUrl: coderd.httpUrl, token }),
    /** Number of the replica's requests in progress. */
    async underWay(): Promise<number> {
      const gauge = registry.getSingleMetric("coderd_api_concurrent_requests")!;
      return (await gauge.get()).values.reduce((sum, { value }) => sum + value, 0);
    },
    async [Symbol.asyncDispose]() {
      await coderd.close();
      await postgres[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

function over(relay: Relay, url: string): string {
  const far = new URL(url);
  far.hostname = "127.0.0.1";
  far.port = String(relay.port);
  return far.href;
}

/** A Postgres that is still starting up and rejects connections. */
async function startStarting() {
  let refused = 0;
  const message = Buffer.from("SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0");
  const head = Buffer.alloc(5, "E");
  head.writeInt32BE(message.length + 4, 1);
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      refused += 1;
      socket.end(Buffer.concat([head, message]));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get refused() {
      return refused;
    },
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function connectAdmin(url: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return { query: (text: string) => client.query(text), [Symbol.asyncDispose]: () => client.end() };
}

test("while Postgres restarts, all kinds of requests wait and none fails", async () => {
  await using distant = await createDistant();
  const { postgres } = distant;
  const client = distant.as(await distant.server.owner());
  await client.userGet({ params: { user: "me" } });
  await using starting = await startStarting();
  const { target } = postgres;

  await postgres.refuse();
  const asked = [
    client.organizationCreate({ body: { name: "other" } }),
    client.userProfileUpdate({ params: { user: "me" }, body: { username: "owner", name: "O" } }),
    ...Array.from({ length: 40 }, () => client.workspaceList()),
  ];
  await waitFor(async () => (await distant.underWay()) === asked.length, { what: "all to be under way" });
  postgres.target = { port: starting.port };
  await postgres.accept();
  await waitFor(() => starting.refused > 2, { what: "Postgres to be looked for" });
  // One connection attempt serves all waiting requests.
  expect(starting.refused).toBeLessThan(20);
  postgres.target = target;
  await Promise.all(asked);
});

test("a request interrupted by Postgres is 503 with Retry-After, and a call is UNAVAILABLE", async () => {
  await using distant = await createDistant();
  const { server, coderd, postgres } = distant;
  const owner = await server.owner();
  await using admin = await connectAdmin(server.config.CODER_PG_CONNECTION_URL);
  await using locker = await connectAdmin(server.config.CODER_PG_CONNECTION_URL);
  const blocked = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  const waiting = async () =>
    (await admin.query(`SELECT count(*)::int AS count ${blocked}`)).rows[0].count > 0;
  const ask = () =>
    fetch(`${coderd.httpUrl}/api/v2/users/me`, { headers: { "Coder-Session-Token": owner.token } });

  for (const cut of [
    () => admin.query(`SELECT pg_terminate_backend(pid) ${blocked}`),
    () => postgres.refuse(),
  ]) {
    await locker.query("BEGIN");
    await locker.query("LOCK TABLE users IN ACCESS EXCLUSIVE MODE");
    const answer = ask();
    await waitFor(waiting, { what: "the request to wait" });
    await cut();
    const response = await answer;
    await locker.query("ROLLBACK");
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await response.json()).toEqual({ message: expect.stringMatching(/^The database \(Postgres\)/) });
  }
  await postgres.accept();
  expect((await ask()).status).toBe(200);
});

test("without Redis, no request fails or is slow, and builds run when it is back", async () => {
  await using distant = await createDistant();
  const { server, redis } = distant;
  const owner = await server.owner();
  const client = distant.as(owner);
  const far = { ...owner, client };
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  const answerMs = async (work: () => Promise<unknown>) => {
    const begun = performance.now();
    await work();
    return performance.now() - begun;
  };
  const use = async (name: string) => {
    const times = [await answerMs(() => client.userGet({ params: { user: "me" } }))];
    times.push(await answerMs(() => createWorkspace(far, template, { name })));
    times.push(await answerMs(() => client.workspaceList()));
    return Math.max(...times);
  };
  await use("warm");
  redis.swallow();
  expect(await use("silent")).toBeLessThan(2_000);
  await redis.refuse();
  expect(await use("refused")).toBeLessThan(2_000);
  redis.restore();
  await redis.accept();
  for (const workspace of (await client.workspaceList()).workspaces) {
    expect((await built(far, workspace)).job.status).toBe("succeeded");
  }
}, 60_000);

import { nullLogger } from "@fleet/base";
import { createTestDatabase } from "@fleet/testkit";
import { connectionCondition, unhealthyCondition } from "../agents/predicates.js";
import {
  type ConnectionStatus,
  type ConnectionTimes,
  connectionStatus,
  LIFECYCLE_STATES,
  LOST_AFTER_MS,
  unhealthyReason,
} from "../agents/status.js";
import { createDatabase } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { migrate } from "../database/migrate.js";
import { daemonStatus } from "../provisionerdaemons/status.js";
import { MIGRATIONS_DIR } from "../testing/coderd.js";
import { DAEMON_STALE_MS, daemonOnline, JOB_STATUS, statusCondition } from "./predicates.js";
import { JOB_STATUSES, type JobTimes, statusOf } from "./status.js";

// The API's computation and the queries' conditions must agree for every combination of the columns that determine a
// state.

const now = new Date("2026-01-01T00:00:00Z");
const ago = (ms: number) => new Date(now.getTime() - ms);

async function openDatabase() {
  const database = await createTestDatabase({
    migrate: async (url) => void (await migrate(url, MIGRATIONS_DIR, nullLogger)),
  });
  const { db, close } = createDatabase({ url: database.url, poolSize: 2 });
  return {
    db,
    async [Symbol.asyncDispose]() {
      await close();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** Every combination of one value for each key. */
function combinations<T extends object>(values: { [K in keyof T]: readonly T[K][] }): T[] {
  return Object.entries<readonly unknown[]>(values).reduce<object[]>(
    (rows, [key, options]) => rows.flatMap((row) => options.map((option) => ({ ...row, [key]: option }))),
    [{}],
  ) as T[];
}

test("the state of a job is the same in a query and in the API", async () => {
  await using database = await openDatabase();
  const at = [null, now];
  for (const job of combinations<JobTimes>({
    startedAt: at,
    canceledAt: at,
    completedAt: at,
    error: [null, "", "broke"],
  })) {
    const row = Prisma.sql`(VALUES (${job.startedAt}::timestamptz, ${job.canceledAt}::timestamptz,
      ${job.completedAt}::timestamptz, ${job.error}::text)) AS j(started_at, canceled_at, completed_at, error)`;
    const [read] = await database.db.$queryRaw<{ status: string; matching: (string | null)[] }[]>`
      SELECT ${JOB_STATUS} AS status, ARRAY[${Prisma.join(
        JOB_STATUSES.map((status) => Prisma.sql`CASE WHEN ${statusCondition(status)} THEN ${status} END`),
      )}] AS matching FROM ${row}`;
    expect({ job, status: read!.status }).toEqual({ job, status: statusOf(job) });
    expect({ job, matching: read!.matching.filter(Boolean) }).toEqual({ job, matching: [statusOf(job)] });
  }
});

test("the connection of an agent is the same in a query and in the API", async () => {
  await using database = await openDatabase();
  const statuses: ConnectionStatus[] = ["connecting", "connected", "disconnected", "timeout"];
  const seen = combinations<ConnectionTimes>({
    createdAt: [ago(60_000)],
    firstConnectedAt: [null, ago(50_000)],
    lastConnectedAt: [null, ago(1_000), ago(LOST_AFTER_MS + 1)],
    disconnectedAt: [null, ago(40_000), ago(1_000)],
    connectionTimeoutSeconds: [0, 30, 120],
  }).filter(({ firstConnectedAt, lastConnectedAt }) => !firstConnectedAt === !lastConnectedAt);
  for (const agent of seen) {
    const row = Prisma.sql`(VALUES (${agent.createdAt}::timestamptz, ${agent.firstConnectedAt}::timestamptz,
      ${agent.lastConnectedAt}::timestamptz, ${agent.disconnectedAt}::timestamptz, ${agent.connectionTimeoutSeconds}::int))
      AS a(created_at, first_connected_at, last_connected_at, disconnected_at, connection_timeout_seconds)`;
    const [read] = await database.db.$queryRaw<{ matching: (string | null)[] }[]>`
      SELECT ARRAY[${Prisma.join(
        statuses.map(
          (status) => Prisma.sql`CASE WHEN ${connectionCondition(status, now)} THEN ${status} END`,
        ),
      )}] AS matching FROM ${row}`;
    expect({ agent, matching: read!.matching.filter(Boolean) }).toEqual({
      agent,
      matching: [connectionStatus(agent, now)],
    });
  }
});

test("whether an agent is unhealthy is the same in a query and in the API", async () => {
  await using database = await openDatabase();
  const times = {
    connecting: [null, null, null, 120],
    timeout: [null, null, null, 30],
    connected: [ago(50_000), ago(1_000), null, 30],
    disconnected: [ago(50_000), ago(20_000), ago(10_000), 30],
  } as const;
  for (const [status, [first, last, disconnected, timeout]] of Object.entries(times)) {
    for (const lifecycle of LIFECYCLE_STATES) {
      const row = Prisma.sql`(VALUES (${ago(60_000)}::timestamptz, ${first}::timestamptz, ${last}::timestamptz,
        ${disconnected}::timestamptz, ${timeout}::int, ${lifecycle}::text))
        AS a(created_at, first_connected_at, last_connected_at, disconnected_at, connection_timeout_seconds, lifecycle_state)`;
      const [read] = await database.db.$queryRaw<{ unhealthy: boolean }[]>`
        SELECT ${unhealthyCondition(now)} AS unhealthy FROM ${row}`;
      const reason = unhealthyReason(status as ConnectionStatus, lifecycle);
      expect({ status, lifecycle, ...read }).toEqual({ status, lifecycle, unhealthy: reason !== undefined });
    }
  }
});

test("an agent is healthy while it connects for the first time, and while its scripts run", () => {
  expect(unhealthyReason("connecting", "created")).toBeUndefined();
  expect(unhealthyReason("connected", "starting")).toBeUndefined();
  expect(unhealthyReason("timeout", "created")).toBe("agent is taking too long to connect");
  expect(unhealthyReason("disconnected", "ready")).toBe("agent has lost connection");
});

test("whether a daemon is online is the same in a query and in the API", async () => {
  await using database = await openDatabase();
  for (const daemon of combinations<{ lastSeenAt: Date | null; leftAt: Date | null }>({
    lastSeenAt: [null, ago(1_000), ago(DAEMON_STALE_MS), ago(DAEMON_STALE_MS + 1)],
    leftAt: [null, ago(500)],
  })) {
    const [read] = await database.db.$queryRaw<{ online: boolean }[]>`
      SELECT ${daemonOnline(now)} IS TRUE AS online
      FROM (VALUES (${daemon.lastSeenAt}::timestamptz, ${daemon.leftAt}::timestamptz)) AS d(last_seen_at, left_at)`;
    const status = daemonStatus({ ...daemon, running: false }, now);
    expect({ daemon, online: read!.online }).toEqual({ daemon, online: status !== "offline" });
  }
});

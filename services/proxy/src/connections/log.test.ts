import { once } from "node:events";
import { FleetError, nullLogger } from "@fleet/base";
import type { Connection, ReportConnectionsRequest } from "@fleet/proto-gen/proxy";
import { createFakeClock, waitFor } from "@fleet/testkit";
import { LIMITS } from "../limits.js";
import { fleetWithApp, PATH, signedIn } from "../testing/app.js";
import { AGENT_ID, fetchFrom, openStream, startFleet, USER_ID, WORKSPACE_ID } from "../testing/fleet.js";
import { createConnectionLog } from "./log.js";

const FACTS = {
  type: "workspace_app" as const,
  agentId: "agent",
  workspaceId: "workspace",
  userId: "user",
  ip: "10.0.0.1",
  userAgent: "browser",
  slugOrPort: "web",
};

function createLog() {
  const reports: Connection[][] = [];
  const failures: FleetError[] = [];
  const clock = createFakeClock();
  const log = createConnectionLog({
    coderd: {
      reportConnections: async ({ connections = [] }) => {
        const failure = failures.pop();
        if (failure) throw failure;
        reports.push(connections as ReportConnectionsRequest["connections"]);
        return {} as never;
      },
    },
    replicaId: "replica",
    clock,
    log: nullLogger,
  });
  return { log, reports, failures, clock };
}

test("a connection is reported at its start and at its end, with the reason that came first", async () => {
  const { log, reports, clock } = createLog();
  const connection = log.begin({ ...FACTS, type: "ssh" });
  await clock.advance(LIMITS.connectionReportMs);
  expect(reports).toEqual([
    [expect.objectContaining({ connectionId: connection.id, ip: "10.0.0.1", disconnectedAtMs: 0n })],
  ]);
  connection.end("Your access ended.");
  connection.end();
  const endedAt = BigInt(clock.now().getTime());
  await clock.advance(LIMITS.connectionReportMs);
  expect(reports[1]).toMatchObject([{ reason: "Your access ended.", disconnectedAtMs: endedAt }]);
  await clock.advance(LIMITS.connectionsAliveMs);
  expect(reports.slice(2)).toEqual([[]]);
});

test("the requests of one program are one visit, which ends when the app is not used for a while", async () => {
  const { log, reports, clock } = createLog();
  const first = log.visit(FACTS);
  log.visit(FACTS)();
  log.visit({ ...FACTS, ip: "10.0.0.2" })();
  await clock.advance(LIMITS.visitIdleMs);
  first();
  const usedAt = BigInt(clock.now().getTime());
  log.visit({ ...FACTS, userAgent: "curl" })();
  await clock.advance(LIMITS.visitIdleMs + LIMITS.connectionReportMs);
  const ends = reports.flat().filter(({ disconnectedAtMs }) => disconnectedAtMs > 0n);
  expect(ends.map(({ ip, userAgent }) => [ip, userAgent])).toEqual([
    ["10.0.0.2", "browser"],
    ["10.0.0.1", "browser"],
    ["10.0.0.1", "curl"],
  ]);
  expect(ends[1]!.disconnectedAtMs).toBe(usedAt);
  expect(new Set(reports.flat().map(({ connectionId }) => connectionId)).size).toBe(3);
});

test("reports wait for a coderd that is away, and a rejected one is dropped", async () => {
  const { log, reports, failures, clock } = createLog();
  failures.push(new FleetError("unavailable", "away"));
  const connection = log.begin(FACTS);
  await clock.advance(LIMITS.connectionReportMs);
  expect(reports).toEqual([]);
  connection.end();
  await clock.advance(LIMITS.connectionReportMs);
  expect(reports.flat()).toHaveLength(1);

  failures.push(new FleetError("invalid_argument", "no"));
  log.begin(FACTS);
  await clock.advance(LIMITS.connectionReportMs);
  await clock.advance(LIMITS.connectionReportMs);
  expect(reports.flat()).toHaveLength(1);
  await log.close();
  expect(reports.flat().at(-1)).toMatchObject({ reason: "The proxy was shut down." });
});

test("no more is kept than the limit, however long coderd is away", async () => {
  const { log, reports, failures, clock } = createLog();
  for (let made = 0; made < LIMITS.connectionsWaiting + 5; made++) log.begin(FACTS);
  failures.push(new FleetError("unavailable", "away"));
  await clock.advance(LIMITS.connectionReportMs);
  await clock.advance(LIMITS.connectionReportMs);
  expect(reports.flat()).toHaveLength(LIMITS.connectionsPerReport);
  await log.close();
  const open = LIMITS.connectionsWaiting + 5;
  expect(new Set(reports.flat().map(({ connectionId }) => connectionId)).size).toBeLessThanOrEqual(open);
});

test("a stream is reported with user and address, and the agent learns its name", async () => {
  await using fleet = await startFleet();
  const named: (string | undefined)[] = [];
  await fleet.connectAgent({
    serve(stream) {
      named.push(stream.header.meta?.connection);
      stream.write("ready\n");
      stream.on("end", () => stream.end()).resume();
    },
  });
  const ssh = await openStream(fleet.proxy.address, `/api/v2/workspaceagents/${AGENT_ID}/ssh`);
  ssh.end();
  await once(ssh.resume(), "close");
  const cut = await openStream(fleet.proxy.address, `/api/v2/workspaceagents/${AGENT_ID}/ssh?resumable=1`);
  const closed = once(cut.resume(), "close");
  fleet.coderd.userTokens.clear();
  await fleet.coderd.push({ case: "accessChanged", value: { all: true } });
  await closed;
  const reported = () => [...fleet.coderd.connections.values()];
  const ended = () => reported().filter(({ disconnectedAtMs }) => disconnectedAtMs > 0n);
  await waitFor(() => ended().length === 2, { what: "the ends of both to be reported" });
  const facts = {
    type: "ssh",
    agentId: AGENT_ID,
    workspaceId: WORKSPACE_ID,
    userId: USER_ID,
    ip: "127.0.0.1",
  };
  expect(reported()).toEqual([
    expect.objectContaining({ ...facts, reason: "" }),
    expect.objectContaining({ ...facts, reason: expect.stringMatching(/./) }),
  ]);
  expect(named).toEqual(reported().map(({ connectionId }) => connectionId));
});

test("an app's visits are reported by user and program", async () => {
  await using fleet = await fleetWithApp();
  for (const agent of ["Browser/1", "Browser/1", "curl/8"]) {
    const headers = { ...signedIn, "User-Agent": agent };
    await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers });
  }
  await fleet.proxy.close();
  const facts = { type: "workspace_app", slugOrPort: "web", userId: USER_ID, ip: "127.0.0.1" };
  expect([...fleet.coderd.connections.values()]).toEqual([
    expect.objectContaining({ ...facts, userAgent: "Browser/1" }),
    expect.objectContaining({ ...facts, userAgent: "curl/8" }),
  ]);
});

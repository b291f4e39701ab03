import { FleetError, nullLogger } from "@fleet/base";
import type { AppSession } from "@fleet/proto-gen/proxy";
import { createFakeClock } from "@fleet/testkit";
import { LIMITS } from "../limits.js";
import type { RequestedApp } from "./address.js";
import type { GrantedTarget } from "./gatekeeper.js";
import { createAppStats } from "./stats.js";

const app = { method: "subdomain" } as RequestedApp;
const target = { userId: "u", workspaceId: "w", agentId: "a", slugOrPort: "web" } as GrantedTarget;

function createStats(failure?: FleetError) {
  const reports: Partial<AppSession>[][] = [];
  const clock = createFakeClock();
  const failures = failure ? [failure] : [];
  const stats = createAppStats({
    coderd: {
      reportAppStats: async ({ sessions = [] }) => {
        const next = failures.pop();
        if (next) throw next;
        reports.push(sessions as Partial<AppSession>[]);
        return {} as never;
      },
    },
    clock,
    log: nullLogger,
  });
  return { stats, reports, clock };
}

test("a session is extended under one id while used, and ends after an idle interval", async () => {
  const { stats, reports, clock } = createStats();
  stats.begin(app, target).end();
  await stats.flush();
  const { end: done } = stats.begin(app, target);
  await stats.flush();
  done();
  await clock.advance(LIMITS.appStatsFlushMs);
  await stats.flush();
  stats.begin(app, target).end();
  await stats.flush();
  const sessions = reports.map(([session]) => session!);
  expect(sessions[1]).toMatchObject({ sessionId: sessions[0]!.sessionId, requests: 2n });
  expect(sessions.at(-1)!.sessionId).not.toBe(sessions[0]!.sessionId);
  expect(sessions.at(-1)!.requests).toBe(1n);
});

test("unsent reports are sent later, unless coderd rejected them", async () => {
  const away = createStats(new FleetError("unavailable", "away"));
  away.stats.begin(app, target).end();
  await away.stats.flush();
  await away.stats.flush();
  expect(away.reports[0]![0]!.requests).toBe(1n);
  const refused = createStats(new FleetError("internal", "no"));
  refused.stats.begin(app, target).end();
  await refused.stats.flush();
  await refused.stats.flush();
  expect(refused.reports).toEqual([]);
});

test("an anonymous visitor is not counted", async () => {
  const { stats, reports } = createStats();
  stats.begin(app, { ...target, userId: "" }).end();
  await stats.close();
  expect(reports).toEqual([]);
});

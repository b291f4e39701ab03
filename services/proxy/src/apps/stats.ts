import { randomUUID } from "node:crypto";
import { type Clock, errorMessage, isFleetError, type Logger } from "@fleet/base";
import { AccessMethod } from "@fleet/proto-gen/proxy";
import { LIMITS } from "../limits.js";
import type { Coderd } from "../session/coderd.js";
import type { RequestedApp } from "./address.js";
import type { GrantedTarget } from "./gatekeeper.js";

/** Counts app usage and reports it to coderd: user, app, start, end and number of requests. */
export type AppStats = {
  /** Records the start of a request or connection. */
  begin(app: RequestedApp, target: GrantedTarget): AppUse;
  /** Reports what was counted; while coderd is unavailable, it is kept for the next report. */
  flush(): Promise<void>;
  close(): Promise<void>;
};

export type AppUse = {
  /** Its user did something. */
  input(): void;
  end(): void;
};

const UNCOUNTED: AppUse = { input() {}, end() {} };

type Use = {
  sessionId: string;
  app: RequestedApp;
  target: GrantedTarget;
  startedAtMs: number;
  lastMs: number;
  /** When the user last did something; 0 for never. */
  inputMs: number;
  requests: number;
  open: number;
};

export function createAppStats(options: {
  coderd: Pick<Coderd, "reportAppStats">;
  clock: Clock;
  log: Logger;
}): AppStats {
  const { coderd, clock, log } = options;
  const uses = new Map<string, Use>();
  const timer = clock.every(LIMITS.appStatsFlushMs, () => void flush());

  async function flush(): Promise<void> {
    const nowMs = clock.now().getTime();
    const reported = [...uses.values()].filter((use) => use.requests > 0);
    if (reported.length === 0) return;
    const sessions = reported.map((use) => ({
      sessionId: use.sessionId,
      userId: use.target.userId,
      workspaceId: use.target.workspaceId,
      agentId: use.target.agentId,
      slugOrPort: use.target.slugOrPort,
      accessMethod: use.app.method === "path" ? AccessMethod.PATH : AccessMethod.SUBDOMAIN,
      startedAtMs: BigInt(use.startedAtMs),
      endedAtMs: BigInt(use.open > 0 ? nowMs : use.lastMs),
      requests: BigInt(use.requests),
      lastInputAtMs: BigInt(use.inputMs),
    }));
    try {
      await coderd.reportAppStats({ sessions });
    } catch (error) {
      const kept = isFleetError(error, "unavailable", "deadline_exceeded");
      log.warn("Failed to report app usage.", { reason: errorMessage(error), kept });
      // coderd would reject the same report again.
      if (kept) return;
      for (const use of reported) use.requests = 0;
    }
    // A session continues while requests arrive; each report updates it under the same id.
    for (const [key, use] of uses)
      if (use.open === 0 && use.lastMs <= nowMs - LIMITS.appStatsFlushMs) uses.delete(key);
  }

  return {
    begin(app, target) {
      // Usage is recorded per user; visitors of public apps have no user.
      if (target.userId === "") return UNCOUNTED;
      const key = `${target.userId} ${target.agentId} ${app.method} ${target.slugOrPort}`;
      const nowMs = clock.now().getTime();
      let found = uses.get(key);
      if (!found) {
        // Beyond the limit, usage is not counted, so that no request waits for statistics.
        if (uses.size >= LIMITS.appSessions) return UNCOUNTED;
        found = {
          sessionId: randomUUID(),
          app,
          target,
          startedAtMs: nowMs,
          lastMs: nowMs,
          inputMs: 0,
          requests: 0,
          open: 0,
        };
        uses.set(key, found);
      }
      const use = found;
      use.requests += 1;
      use.open += 1;
      return {
        input() {
          use.inputMs = clock.now().getTime();
        },
        end() {
          use.open -= 1;
          use.lastMs = clock.now().getTime();
        },
      };
    },
    flush,
    async close() {
      timer.cancel();
      await flush();
    },
  };
}

import { randomUUID } from "node:crypto";
import { type Clock, errorMessage, isFleetError, type Logger } from "@fleet/base";
import { AccessMethod } from "@fleet/proto-gen/proxy";
import { LIMITS } from "../limits.js";
import type { Coderd } from "../session/coderd.js";
import type { RequestedApp } from "./address.js";
import type { GrantedTarget } from "./gatekeeper.js";

/** Counts the use of apps, and reports it to coderd: who used which app, from when to when, with how many requests. */
export type AppStats = {
  /** A request or connection begins; the returned function ends it. */
  begin(app: RequestedApp, target: GrantedTarget): () => void;
  /** Reports what there is; when coderd is away, it is kept for the next time. */
  flush(): Promise<void>;
  close(): Promise<void>;
};

type Use = {
  sessionId: string;
  app: RequestedApp;
  target: GrantedTarget;
  startedAtMs: number;
  lastMs: number;
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
    }));
    try {
      await coderd.reportAppStats({ sessions });
    } catch (error) {
      const kept = isFleetError(error, "unavailable", "deadline_exceeded");
      log.warn("The use of apps could not be reported.", { reason: errorMessage(error), kept });
      // What coderd refuses it would refuse again.
      if (kept) return;
      for (const use of reported) use.requests = 0;
    }
    // A session goes on for as long as requests come; coderd sees it grow under the same id.
    for (const [key, use] of uses)
      if (use.open === 0 && use.lastMs <= nowMs - LIMITS.appStatsFlushMs) uses.delete(key);
  }

  return {
    begin(app, target) {
      // Use is a user's; a visitor of a public app is nobody.
      if (target.userId === "") return () => {};
      const key = `${target.userId} ${target.agentId} ${app.method} ${target.slugOrPort}`;
      const nowMs = clock.now().getTime();
      let use = uses.get(key);
      if (!use) {
        // Beyond the bound, use is not counted: no request waits for statistics.
        if (uses.size >= LIMITS.appSessions) return () => {};
        use = {
          sessionId: randomUUID(),
          app,
          target,
          startedAtMs: nowMs,
          lastMs: nowMs,
          requests: 0,
          open: 0,
        };
        uses.set(key, use);
      }
      use.requests += 1;
      use.open += 1;
      return () => {
        use.open -= 1;
        use.lastMs = clock.now().getTime();
      };
    },
    flush,
    async close() {
      timer.cancel();
      await flush();
    },
  };
}

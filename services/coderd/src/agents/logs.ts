import type { Clock } from "@fleet/base";
import { storable } from "../database/json.js";
import { hintsOf } from "../pubsub/hints.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { AgentLogLine, AgentLogStore } from "./logs-store.js";
import type { NewLog } from "./store.js";

/** Maximum lines per batch sent to followers. */
const FOLLOW_BATCH = 1000;
/** Maximum length of a stored line, in characters. Longer lines are split. */
const LINE_LIMIT = 8 * 1024;

export const agentLogsChannel = (agentId: string) => `agent:${agentId}:logs`;

/** Output of agents and their scripts, stored as lines. */
export type AgentLogs = {
  /**
   * All lines after `after` and before `before`; the whole log if neither is given. The log's size limit bounds the
   * result.
   */
  read(agentId: string, after: bigint, before?: number): Promise<AgentLogLine[]>;
  /**
   * Stores lines, splitting long ones. A batch whose number was already seen is dropped.
   * @returns whether further lines of this source are dropped.
   */
  append(
    agentId: string,
    source: string,
    batch: { bootId: string; sequence: bigint },
    logs: NewLog[],
  ): Promise<boolean>;
  /** Adds a log source. @throws resource_exhausted when the agent has too many. */
  addSource: AgentLogStore["addSource"];
  /**
   * Batches of lines after `after` as they arrive, until the signal aborts. Subscribes before it reads, so no line is
   * missed.
   */
  follow(agentId: string, after: number, signal: AbortSignal): AsyncGenerator<AgentLogLine[]>;
};

export function createAgentLogs({
  store,
  pubsub,
  clock,
}: {
  store: AgentLogStore;
  pubsub: Pubsub;
  clock: Clock;
}): AgentLogs {
  return {
    read: (agentId, after, before) => store.read(agentId, after, before),
    addSource: store.addSource,

    async append(agentId, source, batch, logs) {
      const lines = logs.flatMap((log) => pieces(storable(log.output)).map((output) => ({ ...log, output })));
      const dropped = await store.append(agentId, source, batch, lines);
      pubsub.publish(agentLogsChannel(agentId), {});
      return dropped;
    },

    async *follow(agentId, after, signal) {
      const hints = await hintsOf(pubsub, agentLogsChannel(agentId), clock, signal);
      let last = BigInt(after);
      while (!signal.aborted) {
        const lines = await store.read(agentId, last, undefined, FOLLOW_BATCH);
        if (lines.length > 0) {
          last = lines.at(-1)!.id;
          yield lines;
        }
        if (lines.length < FOLLOW_BATCH) await hints.next();
      }
    },
  };
}

/** Splits a line that is too long. */
function pieces(output: string): string[] {
  const cut = [output.slice(0, LINE_LIMIT)];
  for (let at = LINE_LIMIT; at < output.length; at += LINE_LIMIT) cut.push(output.slice(at, at + LINE_LIMIT));
  return cut;
}

import { endLostConnections } from "../agents/connections-store.js";
import type { AgentMetadataValues } from "../agents/metadata.js";
import type { Platform } from "../platform.js";
import { purge } from "./purge-store.js";
import { type OnRun, startPeriodicJobs } from "./runner.js";

/** How often agent metadata is flushed from Redis to Postgres; at most this much is lost when Redis is flushed. */
const FLUSH_METADATA_MS = 15_000;
const LOST_CONNECTIONS_MS = 60_000;
const PURGE_MS = 10 * 60_000;

/** Maintenance of the deployment's own records. */
export function startUpkeep(
  platform: Platform,
  { agentMetadata }: { agentMetadata: AgentMetadataValues },
  onRun: OnRun,
): { close(): Promise<void> } {
  return startPeriodicJobs({
    ...platform,
    onRun,
    prefix: platform.config.CODER_REDIS_PREFIX,
    jobs: [
      { name: "flush-agent-metadata", everyMs: FLUSH_METADATA_MS, run: () => agentMetadata.flush() },
      {
        name: "end-lost-connections",
        everyMs: LOST_CONNECTIONS_MS,
        // A single statement that matches nothing if another replica already ran it.
        eachReplica: true,
        run: () => endLostConnections(platform),
      },
      { name: "purge", everyMs: PURGE_MS, run: () => purge(platform) },
    ],
  });
}

import { endLostConnections } from "../agents/connections-store.js";
import type { AgentMetadataValues } from "../agents/metadata.js";
import type { Platform } from "../platform.js";
import { purge } from "./purge-store.js";
import { type OnRun, startPeriodicJobs } from "./runner.js";

/** Live metadata reaches Postgres this often: so much of it is lost with a flushed Redis. */
const FLUSH_METADATA_MS = 15_000;
const LOST_CONNECTIONS_MS = 60_000;
const PURGE_MS = 10 * 60_000;

/** What keeps the deployment's own records in order. */
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
        // One statement, that finds nothing where another replica was quicker.
        eachReplica: true,
        run: () => endLostConnections(platform),
      },
      { name: "purge", everyMs: PURGE_MS, run: () => purge(platform) },
    ],
  });
}

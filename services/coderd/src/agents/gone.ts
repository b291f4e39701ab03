import { errorMessage, type Logger } from "@fleet/base";
import type { Database } from "../database/client.js";
import { SUCCEEDED } from "../provisionerjobs/predicates.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import { LOST_AFTER_MS } from "./status.js";

/** On it replicas and proxies hear whose connections to cut: the agent's build has been replaced. */
export const AGENT_GONE_CHANNEL = "agents:gone";

export type AgentsGone = ReturnType<typeof createAgentsGone>;

/** Tells of the agents that a build has replaced. Their tokens have ended with it; this ends what they have open. */
export function createAgentsGone({ db, pubsub, logger }: { db: Database; pubsub: Pubsub; logger: Logger }) {
  return {
    /** Of these jobs that have ended, those that are builds and succeeded replace the agents of earlier builds. */
    async announce(jobIds: readonly string[]): Promise<void> {
      try {
        const agents = await db.$queryRaw<{ id: string }[]>`
          SELECT a.id FROM provisioner_jobs j
          JOIN workspace_builds b ON b.job_id = j.id
          JOIN workspace_agents a ON a.workspace_id = b.workspace_id
          JOIN workspace_resources r ON r.id = a.resource_id
          WHERE j.id = ANY(${[...jobIds]}::uuid[]) AND ${SUCCEEDED} AND r.job_id <> j.id
            AND a.last_connected_at > j.completed_at - ${LOST_AFTER_MS} * interval '1 millisecond'`;
        for (const { id } of agents) pubsub.publish(AGENT_GONE_CHANNEL, { agentId: id });
      } catch (error) {
        logger.warn("could not tell which agents are gone; their connections end by themselves", {
          error: errorMessage(error),
        });
      }
    },
  };
}

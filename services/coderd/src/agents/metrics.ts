import { Histogram, type Registry } from "prom-client";
import type { AgentIdentity } from "./store.js";

/** Agent metrics of this replica, under upstream's names. */
export class AgentMetrics {
  readonly #firstConnection: Histogram;

  constructor(registry: Registry) {
    this.#firstConnection = new Histogram({
      name: "coderd_agents_first_connection_seconds",
      help: "Time from the end of the build to the agent's first connection.",
      labelNames: ["template_name", "agent_name", "username", "workspace_name"],
      buckets: [1, 10, 30, 60, 120, 300, 600, 1_800, 3_600],
      registers: [registry],
    });
  }

  firstConnection(agent: AgentIdentity, seconds: number): void {
    const { templateName, agentName, ownerName, workspaceName } = agent;
    this.#firstConnection.observe(
      {
        template_name: templateName,
        agent_name: agentName,
        username: ownerName,
        workspace_name: workspaceName,
      },
      seconds,
    );
  }
}

import { FleetError } from "@fleet/base";
import type { Client } from "@fleet/sdk";
import type { Context } from "../../context.js";

/** A client that is authenticated as the workspace's agent, with the address and token from the agent's environment. */
export async function agentClient(context: Context): Promise<Client> {
  const { CODER_AGENT_URL: url, CODER_AGENT_TOKEN: token } = context.io.env;
  if (url && token) return context.clientFor(url, token);
  throw new FleetError(
    "failed_precondition",
    "This command only works inside a workspace: CODER_AGENT_URL and CODER_AGENT_TOKEN are not set.",
  );
}

import { FleetError } from "@fleet/base";
import type { Client } from "@fleet/sdk";
import type { Context } from "../../context.js";

/** A client that speaks as the workspace's agent: for what a workspace runs, where the agent leaves its address and token. */
export async function agentClient(context: Context): Promise<Client> {
  const { CODER_AGENT_URL: url, CODER_AGENT_TOKEN: token } = context.io.env;
  if (url && token) return context.clientFor(url, token);
  throw new FleetError(
    "failed_precondition",
    "This command only works inside a workspace: CODER_AGENT_URL and CODER_AGENT_TOKEN are not set.",
  );
}

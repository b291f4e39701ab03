import { FleetError } from "@fleet/base";
import { type Client, createClient } from "@fleet/sdk";
import type { Context } from "../../context.js";

/** A client that speaks as the workspace's agent: for what a workspace runs, where the agent leaves its address and token. */
export function agentClient(context: Context): Client {
  const { CODER_AGENT_URL: baseUrl, CODER_AGENT_TOKEN: token } = context.io.env;
  if (baseUrl && token) return createClient({ baseUrl, token });
  throw new FleetError(
    "failed_precondition",
    "This command works inside a workspace only: CODER_AGENT_URL and CODER_AGENT_TOKEN are not set.",
  );
}

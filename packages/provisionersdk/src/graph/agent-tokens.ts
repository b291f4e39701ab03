import { instancesOfState } from "./instances.js";

/** An agent of a state, as Terraform knows it, and the token that its process has. */
export type AgentToken = { id: string; name: string; token: string };

/** The tokens of a state's agents. Throws `failed_precondition` if it is not a state. */
export function agentTokensOf(state: Uint8Array): AgentToken[] {
  return instancesOfState(state).flatMap(({ mode, type, name, values: { id, token } }) =>
    mode === "managed" &&
    type === "coder_agent" &&
    typeof id === "string" &&
    typeof token === "string" &&
    token !== ""
      ? [{ id, name, token }]
      : [],
  );
}

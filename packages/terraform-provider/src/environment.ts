import { createHash } from "node:crypto";

/** Variables that a build hands to the provider. The provider reads these and nothing else: it calls no server. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The variable that holds a parameter's value: a name may hold characters that a variable's name may not. */
export function parameterEnvName(name: string): string {
  return `CODER_PARAMETER_${sha256(name)}`;
}

/** The variable that holds the value of the build before, for parameters that may only grow or shrink. */
export function previousParameterEnvName(name: string): string {
  return `CODER_PARAMETER_PREVIOUS_${sha256(name)}`;
}

export function externalAuthEnvName(id: string): string {
  return `CODER_EXTERNAL_AUTH_ACCESS_TOKEN_${id}`;
}

/** A secret of the user that a template asks for by the variable it has in the workspace. */
export function secretEnvName(variable: string): string {
  return `CODER_SECRET_ENV_${variable}`;
}

/** A secret of the user that a template asks for by the file it is in the workspace. */
export function secretFileEnvName(path: string): string {
  return `CODER_SECRET_FILE_${Buffer.from(path).toString("hex")}`;
}

/** The script that starts an agent, before substitution; `os` and `arch` as `coder_agent` names them. */
export function agentScriptEnvName(os: string, arch: string): string {
  return `CODER_AGENT_SCRIPT_${os}_${arch}`;
}

/**
 * The token of an agent that runs already and has to keep it (a prebuilt workspace that is being claimed). Upstream names it
 * for the empty id, so one value serves all agents.
 */
export function runningAgentTokenEnvName(agentId = ""): string {
  return `CODER_RUNNING_WORKSPACE_AGENT_TOKEN_${sha256(agentId)}`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

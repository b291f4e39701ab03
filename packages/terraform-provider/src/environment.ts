import { createHash } from "node:crypto";

/** Variables that a build passes to the provider. The provider reads only these: it calls no server. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The variable with a parameter's value; encoded, since names may contain characters that variable names may not. */
export function parameterEnvName(name: string): string {
  return `CODER_PARAMETER_${sha256(name)}`;
}

/** The variable with the previous build's value, for parameters that may only increase or decrease. */
export function previousParameterEnvName(name: string): string {
  return `CODER_PARAMETER_PREVIOUS_${sha256(name)}`;
}

export function externalAuthEnvName(id: string): string {
  return `CODER_EXTERNAL_AUTH_ACCESS_TOKEN_${id}`;
}

/** A user's secret that a template requests by its environment variable in the workspace. */
export function secretEnvName(variable: string): string {
  return `CODER_SECRET_ENV_${variable}`;
}

/** A user's secret that a template requests by its file in the workspace. */
export function secretFileEnvName(path: string): string {
  return `CODER_SECRET_FILE_${Buffer.from(path).toString("hex")}`;
}

/** The script that starts an agent, before substitution; `os` and `arch` as `coder_agent` names them. */
export function agentScriptEnvName(os: string, arch: string): string {
  return `CODER_AGENT_SCRIPT_${os}_${arch}`;
}

/**
 * The token of a running agent that must keep it (a prebuilt workspace being claimed). Upstream uses the
 * empty id in its name, so one value serves all agents.
 */
export function runningAgentTokenEnvName(agentId = ""): string {
  return `CODER_RUNNING_WORKSPACE_AGENT_TOKEN_${sha256(agentId)}`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

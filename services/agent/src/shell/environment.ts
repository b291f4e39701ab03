import { basename, delimiter } from "node:path";
import type { GetManifestResponse } from "@fleet/proto-gen/agent";
import { FORMER_ENV, keepOnPath, type OwnCommand, quoted } from "./own-command.js";
import type { WorkspaceUser } from "./user.js";

/** Shells that read the file in the variable `ENV` when interactive. */
const POSIX_SHELLS = new Set(["sh", "ash", "dash", "busybox", "ksh", "mksh", "oksh", "loksh"]);

export type EnvironmentSource = {
  /** The agent's own environment. */
  base: NodeJS.ProcessEnv;
  manifest: GetManifestResponse;
  user: WorkspaceUser;
  agentUrl: string;
  agentToken: string;
  /** Folder for commands that scripts install for everyone; last in PATH. */
  scriptBinDir: string;
  /** The `coder` command; first in PATH. */
  coder: Pick<OwnCommand, "folder" | "file" | "profile">;
};

/** The environment of every process in the workspace: the agent's own, the platform's and the template's variables. */
export function workspaceEnvironment(source: EnvironmentSource): Record<string, string> {
  const { base, manifest, user, agentUrl, agentToken, scriptBinDir, coder } = source;
  const env: Record<string, string> = {};
  for (const [key, value] of Object.entries(base)) if (value !== undefined) env[key] = value;
  Object.assign(env, {
    CODER: "true",
    CODER_WORKSPACE_NAME: manifest.workspaceName,
    CODER_WORKSPACE_AGENT_NAME: manifest.agentName,
    CODER_WORKSPACE_OWNER_NAME: manifest.ownerName,
    CODER_AGENT_URL: agentUrl,
    CODER_AGENT_TOKEN: agentToken,
    CS_DISABLE_GETTING_STARTED_OVERRIDE: "true",
    USER: user.name,
    LOGNAME: user.name,
    HOME: user.home,
    SHELL: user.shell,
    PATH: [coder.folder, env.PATH].filter(Boolean).join(delimiter),
  });
  if (coder.file !== "") {
    env.GIT_SSH_COMMAND = `${quoted(coder.file)} gitssh --`;
    if (manifest.externalAuthCount > 0) env.GIT_ASKPASS = coder.file;
    // bash, even if invoked as sh.
    if (["bash", "sh"].includes(basename(user.shell))) env.PROMPT_COMMAND = keepOnPath(coder.folder);
  }
  if (manifest.vscodePortProxyUri) env.VSCODE_PROXY_URI = manifest.vscodePortProxyUri;
  for (const [key, value] of Object.entries(manifest.environmentVariables)) {
    if (canBeVariable(key, value)) env[key] = expandVariables(value, env);
  }
  // The user's own secrets take precedence, as they are: a "$" in a value is not a variable.
  for (const { envName, value } of manifest.userSecrets) {
    if (canBeVariable(envName, value)) env[envName] = value;
  }
  env.PATH = `${env.PATH}${delimiter}${scriptBinDir}`;
  if (coder.profile !== "" && POSIX_SHELLS.has(basename(user.shell))) {
    if (env.ENV) env[FORMER_ENV] = env.ENV;
    env.ENV = coder.profile;
  }
  return env;
}

/** False for a name that the kernel rejects: with it, no program could be started. */
export function canBeVariable(key: string, value: string): boolean {
  return /^[^=\0]+$/.test(key) && !value.includes("\0");
}

/** Expands `$NAME` and `${NAME}`; unknown names become empty. */
export function expandVariables(text: string, env: Record<string, string | undefined>): string {
  return text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_match, braced, plain) => env[braced ?? plain] ?? "");
}

/** A path from the template with `~`, `$HOME` and other variables expanded; relative to the home folder. */
export function expandPath(path: string, env: Record<string, string | undefined>, home: string): string {
  const expanded = expandVariables(path.replace(/^~(?=$|[/\\])/, home), env);
  return /^([/\\]|[A-Za-z]:)/.test(expanded) ? expanded : `${home}/${expanded}`;
}

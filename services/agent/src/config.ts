import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { FleetError } from "@fleet/base";
import {
  boolean,
  choice,
  defineSettings,
  duration,
  list,
  text,
  url,
  type ValuesOf,
} from "@fleet/base/settings";
import type { DevcontainerSettings } from "./devcontainers/manager.js";
import type { IdentityKind } from "./identity/documents.js";

const declared = {
  CODER_AGENT_URL: url({ schemes: ["http", "https"], required: true, help: "Access URL of the deployment" }),
  CODER_AGENT_AUTH: choice({
    values: ["token", "aws-instance-identity", "azure-instance-identity", "google-instance-identity"],
    default: "token",
    help: "How the agent authenticates: by its token, or by the identity of the cloud instance that it runs on",
  }),
  CODER_AGENT_TOKEN: text({ secret: true, help: "Token of the agent" }),
  CODER_AGENT_TOKEN_FILE: text({ type: "path", help: "File that holds the token" }),
  CODER_AGENT_LOG_DIR: text({
    type: "path",
    default: tmpdir(),
    help: "Folder of coder-agent.log and of the scripts' logs",
  }),
  CODER_AGENT_SCRIPT_DATA_DIR: text({
    type: "path",
    default: tmpdir(),
    help: "Folder that scripts keep data in",
  }),
  CODER_AGENT_SSH_MAX_TIMEOUT: duration({
    default: "72h",
    help: "Close SSH connections that are older than this; 0 for no limit",
  }),
  CODER_BLOCK_FILE_TRANSFER: boolean({ default: "false", help: "Refuse nc, rsync, scp and sftp over SSH" }),
  CODER_AGENT_NO_REAP: boolean({
    default: "false",
    help: "Do not reap orphaned processes when running as PID 1",
  }),
  CODER_AGENT_DEVCONTAINERS_ENABLE: boolean({
    default: "true",
    help: "Start dev containers; needs Docker and the devcontainer CLI in the workspace",
  }),
  CODER_AGENT_DEVCONTAINERS_PROJECT_DISCOVERY_ENABLE: boolean({
    default: "true",
    help: "Look for dev containers of the git repositories in the agent's directory",
  }),
  CODER_AGENT_DEVCONTAINERS_DISCOVERY_AUTOSTART_ENABLE: boolean({
    default: "false",
    help: "Start every dev container that is found, not only those whose devcontainer.json asks for it",
  }),
  CODER_AGENT_EXIT_WITH_INPUT: boolean({
    default: "false",
    help: "Exit when standard input is closed; set for agents in dev containers",
  }),
  CODER_AGENT_SUBSYSTEM: list({
    default: "",
    help: "What runs the agent, for example envbox,envbuilder; shown in the deployment",
  }),
};

/** The settings of `coder agent` by environment variable; each has a flag too. */
export const settings = defineSettings("coder agent: connects a workspace to its deployment", declared);

export type AgentConfig = {
  accessUrl: string;
  auth: "token" | IdentityKind;
  /** Empty unless the agent authenticates by its token. */
  token: string;
  logDir: string;
  scriptDataDir: string;
  sshMaxTimeoutMs: number;
  blockFileTransfer: boolean;
  reap: boolean;
  subsystems: string[];
  devcontainers: DevcontainerSettings;
  exitWithInput: boolean;
};

/** The flags of `coder agent`, each with its environment variable. */
const FLAGS = {
  "agent-url": "CODER_AGENT_URL",
  auth: "CODER_AGENT_AUTH",
  "agent-token": "CODER_AGENT_TOKEN",
  "agent-token-file": "CODER_AGENT_TOKEN_FILE",
  "log-dir": "CODER_AGENT_LOG_DIR",
  "script-data-dir": "CODER_AGENT_SCRIPT_DATA_DIR",
  "ssh-max-timeout": "CODER_AGENT_SSH_MAX_TIMEOUT",
  "block-file-transfer": "CODER_BLOCK_FILE_TRANSFER",
  "no-reap": "CODER_AGENT_NO_REAP",
} as const;

/**
 * Reads flags, then environment variables. Unknown flags are ignored, so that start commands in templates keep working
 * across versions. Throws `invalid_argument` that names every invalid setting.
 */
export function readConfig(argv: readonly string[], env: NodeJS.ProcessEnv): AgentConfig {
  return configOf(settings.read(withFlags(argv, env)));
}

/** The environment, overridden by flags. */
export function withFlags(argv: readonly string[], env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { values } = parseArgs({
    args: [...argv],
    strict: false,
    options: Object.fromEntries(
      Object.keys(FLAGS).map((flag) => [
        flag,
        { type: flag === "no-reap" || flag === "block-file-transfer" ? "boolean" : "string" } as const,
      ]),
    ),
  });
  const flags = Object.entries(FLAGS).flatMap(([flag, name]) =>
    values[flag] === undefined ? [] : [[name, String(values[flag])]],
  );
  return { ...env, ...Object.fromEntries(flags) };
}

/** The configuration from the settings. Throws `invalid_argument` if there is no token. */
export function configOf(parsed: ValuesOf<typeof declared>): AgentConfig {
  return {
    accessUrl: parsed.CODER_AGENT_URL,
    auth: parsed.CODER_AGENT_AUTH,
    token:
      parsed.CODER_AGENT_AUTH === "token"
        ? (parsed.CODER_AGENT_TOKEN ?? readToken(parsed.CODER_AGENT_TOKEN_FILE))
        : "",
    logDir: parsed.CODER_AGENT_LOG_DIR,
    scriptDataDir: parsed.CODER_AGENT_SCRIPT_DATA_DIR,
    sshMaxTimeoutMs: parsed.CODER_AGENT_SSH_MAX_TIMEOUT,
    blockFileTransfer: parsed.CODER_BLOCK_FILE_TRANSFER,
    reap: !parsed.CODER_AGENT_NO_REAP,
    subsystems: parsed.CODER_AGENT_SUBSYSTEM,
    devcontainers: {
      enabled: parsed.CODER_AGENT_DEVCONTAINERS_ENABLE,
      discovery: parsed.CODER_AGENT_DEVCONTAINERS_PROJECT_DISCOVERY_ENABLE,
      autostart: parsed.CODER_AGENT_DEVCONTAINERS_DISCOVERY_AUTOSTART_ENABLE,
    },
    exitWithInput: parsed.CODER_AGENT_EXIT_WITH_INPUT,
  };
}

function readToken(file: string | undefined): string {
  if (!file) {
    throw new FleetError(
      "invalid_argument",
      "Missing agent token. Set CODER_AGENT_TOKEN, or CODER_AGENT_TOKEN_FILE to a file that contains it.",
    );
  }
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new FleetError("invalid_argument", `Cannot read the token file ${file}.`, { cause });
  }
}

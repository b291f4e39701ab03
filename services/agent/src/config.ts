import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { errorMessage, FleetError, parseBoolean, parseDuration, parseEnv } from "@fleet/base";
import { z } from "zod";

const boolean = z.string().transform((text, context) => {
  const value = parseBoolean(text);
  if (value === undefined) context.addIssue(`"${text}" is neither true nor false`);
  return value ?? false;
});
const duration = z.string().transform((text, context) => {
  try {
    return parseDuration(text);
  } catch (error) {
    context.addIssue(errorMessage(error));
    return 0;
  }
});

const environment = z.object({
  /** The deployment's access URL. */
  CODER_AGENT_URL: z.url(),
  /** How the agent proves who it is. */
  CODER_AGENT_AUTH: z.literal("token", "only `token` is supported").default("token"),
  CODER_AGENT_TOKEN: z.string().optional(),
  /** A file that holds the token, instead of the variable. */
  CODER_AGENT_TOKEN_FILE: z.string().optional(),
  /** Folder of coder-agent.log and of scripts' logs. */
  CODER_AGENT_LOG_DIR: z.string().default(tmpdir()),
  /** Folder below which scripts keep what they want to find again. */
  CODER_AGENT_SCRIPT_DATA_DIR: z.string().default(tmpdir()),
  /** SSH connections older than this are closed. */
  CODER_AGENT_SSH_MAX_TIMEOUT: duration.default(72 * 3_600_000),
  /** Refuses nc, rsync, scp and sftp over SSH. */
  CODER_BLOCK_FILE_TRANSFER: boolean.default(false),
  /** Does not reap orphaned processes when it is PID 1. */
  CODER_AGENT_NO_REAP: boolean.default(false),
  /** What runs the agent, such as `envbox,envbuilder`; told to the deployment. */
  CODER_AGENT_SUBSYSTEM: z.string().default(""),
});

export type AgentConfig = {
  accessUrl: string;
  token: string;
  logDir: string;
  scriptDataDir: string;
  sshMaxTimeoutMs: number;
  blockFileTransfer: boolean;
  reap: boolean;
  subsystems: string[];
};

/** The flags of `coder agent`, each of which is a variable by another name. */
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
 * Reads flags, then variables. Flags of other versions are passed over, for a template's start line must not break.
 * Throws `invalid_argument` with a sentence for each setting that is wrong.
 */
export function readConfig(argv: readonly string[], env: NodeJS.ProcessEnv): AgentConfig {
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
  const parsed = parseEnv(environment, { ...env, ...Object.fromEntries(flags) });
  return {
    accessUrl: parsed.CODER_AGENT_URL,
    token: parsed.CODER_AGENT_TOKEN ?? readToken(parsed.CODER_AGENT_TOKEN_FILE),
    logDir: parsed.CODER_AGENT_LOG_DIR,
    scriptDataDir: parsed.CODER_AGENT_SCRIPT_DATA_DIR,
    sshMaxTimeoutMs: parsed.CODER_AGENT_SSH_MAX_TIMEOUT,
    blockFileTransfer: parsed.CODER_BLOCK_FILE_TRANSFER,
    reap: !parsed.CODER_AGENT_NO_REAP,
    subsystems: parsed.CODER_AGENT_SUBSYSTEM.split(",").filter((each) => each !== ""),
  };
}

function readToken(file: string | undefined): string {
  if (!file) {
    throw new FleetError(
      "invalid_argument",
      "Set CODER_AGENT_TOKEN, or CODER_AGENT_TOKEN_FILE to a file that holds it.",
    );
  }
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new FleetError("invalid_argument", `The token file ${file} cannot be read.`, { cause });
  }
}

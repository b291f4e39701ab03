import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Clock } from "@fleet/base";
import type { Connection, PseudoTtyInfo, ServerChannel, Session } from "ssh2";
import { spawnTerminal } from "../pty/terminal.js";
import { type Command, loginShell, shellCommand } from "../shell/command.js";
import type { WorkspaceUser } from "../shell/user.js";
import { forwardSshAgent } from "./agent-forward.js";
import { AGENT_ERROR_EXIT_CODE, failSession, type Running, runPiped, runTerminal } from "./process.js";
import { serveSftp } from "./sftp.js";

/** Variables that a client may set on one session. */
const MAX_CLIENT_VARIABLES = 256;
/** The largest MOTD that is shown, in bytes. */
const MAX_MOTD_BYTES = 64 * 1024;
/** Says what a client is; it counts sessions and is not handed on. */
const SESSION_TYPE_VARIABLE = "CODER_SSH_SESSION_TYPE";
/** Refused where file transfer is blocked, with this exit code. */
const TRANSFER_COMMANDS = new Set(["nc", "rsync", "scp", "sftp"]);
const TRANSFER_BLOCKED_EXIT_CODE = 65;
const TRANSFER_BLOCKED = "File transfer has been disabled.";

export type SessionType = "ssh" | "vscode" | "jetbrains";

export type SessionOptions = {
  user: WorkspaceUser;
  /** The variables of the workspace, as they are at this moment. */
  environment(): Record<string, string>;
  /** Where commands start: an existing folder. */
  directory(): string;
  /** The file of the message of the day, absolute; empty when there is none. */
  motdFile(): string;
  blockFileTransfer: boolean;
  clock: Clock;
  /** A session began; the result is called when it ends. */
  onSession(type: SessionType): () => void;
  /** A person sits before this channel. */
  onTerminal(channel: ServerChannel): void;
};

/** Serves one session: a shell, a command or sftp, with what the client asked for before. */
export function serveSession(session: Session, client: Connection, options: SessionOptions): void {
  const clientEnv: Record<string, string> = {};
  let pty: PseudoTtyInfo | undefined;
  let running: Running | undefined;
  let resize: ((cols: number, rows: number) => void) | undefined;
  let agentSocket: Promise<string> | undefined;

  session.on("env", (accept, _reject, { key, val }) => {
    if (Object.keys(clientEnv).length < MAX_CLIENT_VARIABLES) clientEnv[key] = String(val);
    accept?.();
  });
  session.on("pty", (accept, _reject, info) => {
    pty = info;
    accept?.();
  });
  session.on("window-change", (accept, _reject, { cols, rows }) => {
    if (pty) Object.assign(pty, { cols, rows });
    resize?.(cols, rows);
    accept?.();
  });
  session.on("signal", (accept, _reject, { name }) => {
    running?.signal(`SIG${name}` as NodeJS.Signals);
    accept?.();
  });
  session.on("auth-agent", (accept) => {
    agentSocket ??= forwardSshAgent(client);
    accept?.();
  });
  session.on("shell", (accept) => void start(accept(), undefined));
  session.on("exec", (accept, _reject, { command }) => void start(accept(), command));
  session.on("sftp", (accept, reject) => {
    if (options.blockFileTransfer) return reject();
    const sftp = accept();
    count(sftp);
    serveSftp(sftp, options.user.home);
  });

  function count(channel: { once(event: "close", listener: () => void): unknown }): void {
    const wanted = clientEnv[SESSION_TYPE_VARIABLE]?.toLowerCase();
    const ended = options.onSession(wanted === "vscode" || wanted === "jetbrains" ? wanted : "ssh");
    channel.once("close", ended);
  }

  async function start(channel: ServerChannel | undefined, command: string | undefined): Promise<void> {
    if (!channel) return; // A second program on one session.
    count(channel);
    closeWithClient(channel);
    if (options.blockFileTransfer && command !== undefined && transfersFiles(command)) {
      return failSession(channel, TRANSFER_BLOCKED, TRANSFER_BLOCKED_EXIT_CODE);
    }
    try {
      const env = await environment();
      const { user } = options;
      const program = command === undefined ? loginShell(user.shell) : shellCommand(user.shell, command);
      if (pty) await startTerminal(channel, program, env, command === undefined);
      else running = runPiped(channel, { ...program, cwd: options.directory(), env });
    } catch (error) {
      failSession(channel, error, AGENT_ERROR_EXIT_CODE);
    }
  }

  /** ssh2 tells of a channel's close only once its input was read to the end, which a program may never do. */
  function closeWithClient(channel: ServerChannel): void {
    const drain = () => {
      channel.unpipe();
      channel.resume();
    };
    session.once("close", drain);
    client.once("close", drain);
    channel.once("close", () => client.off("close", drain));
  }

  async function environment(): Promise<Record<string, string>> {
    const env: Record<string, string> = {
      ...options.environment(),
      ...clientEnv,
      SSH_CLIENT: "0.0.0.0 0 0",
      SSH_CONNECTION: "0.0.0.0 0 0.0.0.0 0",
    };
    delete env[SESSION_TYPE_VARIABLE];
    const socket = await agentSocket;
    if (socket) env.SSH_AUTH_SOCK = socket;
    return env;
  }

  async function startTerminal(
    channel: ServerChannel,
    program: Command,
    env: Record<string, string>,
    greets: boolean,
  ): Promise<void> {
    options.onTerminal(channel);
    if (greets) channel.write(await motd());
    const terminal = spawnTerminal({
      ...program,
      cwd: options.directory(),
      env: { ...env, TERM: pty!.term || "xterm-256color" },
      size: pty!,
      clock: options.clock,
    });
    resize = (cols, rows) => terminal.resize({ cols, rows });
    running = runTerminal(channel, terminal);
  }

  /** The message of the day, with the line ends of a terminal; empty for who has a ~/.hushlogin. */
  async function motd(): Promise<string> {
    const file = options.motdFile();
    if (!file || existsSync(join(options.user.home, ".hushlogin"))) return "";
    const text = await readFile(file, "utf8").catch(() => "");
    return text.slice(0, MAX_MOTD_BYTES).replace(/\r?\n/g, "\r\n");
  }
}

function transfersFiles(command: string): boolean {
  return TRANSFER_COMMANDS.has(basename(command.trim().split(/\s+/)[0] ?? ""));
}

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Clock, errorMessage } from "@fleet/base";
import type { Connection, PseudoTtyInfo, ServerChannel, Session } from "ssh2";
import { spawnTerminal } from "../pty/terminal.js";
import { shellCommandOfBytes } from "../shell/bytes.js";
import { type Command, loginShell, shellCommand } from "../shell/command.js";
import { canBeVariable } from "../shell/environment.js";
import type { WorkspaceUser } from "../shell/user.js";
import { forwardSshAgent } from "./agent-forward.js";
import { watchInput } from "./channel.js";
import { type Departure, departureOf } from "./departure.js";
import {
  AGENT_ERROR_EXIT_CODE,
  EXITED,
  failSession,
  type Running,
  runPiped,
  runTerminal,
} from "./process.js";
import { serveSftp } from "./sftp/server.js";
import { onClientsTerminal } from "./terminal-modes.js";
import { findXauth, isSane, openDisplay, type X11Request } from "./x11.js";

/** Maximum number of variables that a client may set per session, and their total length in characters. */
const MAX_CLIENT_VARIABLES = 256;
const MAX_CLIENT_VARIABLES_LENGTH = 1024 * 1024;
/** Maximum size of the message of the day, in bytes. */
const MAX_MOTD_BYTES = 64 * 1024;
/** Variable with the client's type, used to count sessions; not passed to programs. */
const SESSION_TYPE_VARIABLE = "CODER_SSH_SESSION_TYPE";
/** Commands that are refused with this exit code if file transfer is blocked. */
const TRANSFER_COMMANDS = new Set(["nc", "rsync", "scp", "sftp"]);
const TRANSFER_BLOCKED_EXIT_CODE = 65;
const TRANSFER_BLOCKED = "File transfer has been disabled.";

export type SessionType = "ssh" | "vscode" | "jetbrains";

export type SessionOptions = {
  user: WorkspaceUser;
  /** The current environment of the workspace. */
  environment(): Record<string, string>;
  /** Working directory of commands; it exists. */
  directory(): string;
  /** Absolute path of the message of the day; empty for none. */
  motdFile(): string;
  blockFileTransfer: boolean;
  clock: Clock;
  /** Called when a session starts. `input` is called when its client sends something; `end`, with the exit code. */
  onSession(type: SessionType): { input(): void; end(exitCode: number | undefined): void };
  /** Called when the channel has a terminal. */
  onTerminal(channel: ServerChannel): void;
  /** Called when a process starts; it may outlive its client. */
  onRunning(running: Running): void;
  /** The client's identification string. */
  clientIdent: string;
};

/** Serves one session: a shell, a command or SFTP, with the options that the client requested. */
export function serveSession(session: Session, client: Connection, options: SessionOptions): void {
  const clientEnv: Record<string, string> = {};
  let clientEnvLength = 0;
  let pty: PseudoTtyInfo | undefined;
  let running: Running | undefined;
  let resize: ((cols: number, rows: number) => void) | undefined;
  let wantsAgent = false;
  let x11: X11Request | undefined;

  session.on("env", (accept, reject, { key, val }) => {
    const value = String(val);
    clientEnvLength += key.length + value.length;
    const fits =
      Object.keys(clientEnv).length < MAX_CLIENT_VARIABLES && clientEnvLength <= MAX_CLIENT_VARIABLES_LENGTH;
    if (!fits || !canBeVariable(key, value)) return reject?.();
    clientEnv[key] = value;
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
    wantsAgent = true;
    accept?.();
  });
  session.on("x11", (accept, reject, info) => {
    const request = info as X11Request;
    if (!isSane(request) || !findXauth(options.environment().PATH)) return reject?.();
    x11 = request;
    accept?.();
  });
  session.on("shell", (accept) => void start(accept(), undefined));
  session.on("exec", (accept, _reject, info) => {
    // Added by our patch of ssh2: docs/adr/0012-patched-ssh2.md.
    void start(accept(), (info as unknown as { bytes: Buffer }).bytes);
  });
  session.on("subsystem", (accept, reject, { name }) => {
    if (name !== "sftp" || options.blockFileTransfer) return reject?.();
    const channel = accept();
    if (!channel) return; // A second program on one session.
    count(channel);
    void serveSftp(channel, departureOf(channel, session, client), options);
  });

  function count(channel: ServerChannel): void {
    const wanted = clientEnv[SESSION_TYPE_VARIABLE]?.toLowerCase();
    const { input, end } = options.onSession(wanted === "vscode" || wanted === "jetbrains" ? wanted : "ssh");
    watchInput(channel, input);
    let exitCode: number | undefined;
    channel.once(EXITED, (code: number) => {
      exitCode = code;
    });
    channel.once("close", () => end(exitCode));
  }

  async function start(channel: ServerChannel | undefined, command: Buffer | undefined): Promise<void> {
    if (!channel) return; // A second program on one session.
    count(channel);
    const departed = departureOf(channel, session, client);
    if (options.blockFileTransfer && command !== undefined && transfersFiles(String(command))) {
      return void failSession(channel, TRANSFER_BLOCKED, TRANSFER_BLOCKED_EXIT_CODE);
    }
    try {
      const env = await environment(channel, departed);
      if (departed.gone) return;
      const { shell } = options.user;
      const program =
        command === undefined
          ? loginShell(shell)
          : shellCommandOfBytes((text) => shellCommand(shell, text), command);
      running = pty
        ? await startTerminal(channel, program, env, command === undefined)
        : runPiped(channel, { ...program, cwd: options.directory(), env });
      options.onRunning(running);
      departed.onceGone(running.leave);
    } catch (error) {
      failSession(channel, error, AGENT_ERROR_EXIT_CODE);
    }
  }

  async function environment(channel: ServerChannel, departed: Departure): Promise<Record<string, string>> {
    const env: Record<string, string> = {
      ...options.environment(),
      ...clientEnv,
      SSH_CLIENT: "0.0.0.0 0 0",
      SSH_CONNECTION: "0.0.0.0 0 0.0.0.0 0",
    };
    delete env[SESSION_TYPE_VARIABLE];
    /** Like sshd, continues without a feature that fails, and reports it to the user. */
    const orWithout = (what: string, making: Promise<void>) =>
      making.catch((error) => {
        channel.stderr.write(`${what}: ${errorMessage(error)}${pty ? "\r\n" : "\n"}`);
      });
    if (wantsAgent) {
      const forwarding = forwardSshAgent(client).then((socket) => {
        env.SSH_AUTH_SOCK = socket;
      });
      await orWithout("SSH agent forwarding failed", forwarding);
    }
    if (x11) await orWithout("X11 forwarding failed", display(departed, x11, env));
    return env;
  }

  async function display(departed: Departure, request: X11Request, env: Record<string, string>) {
    const opened = await openDisplay(client, request, findXauth(env.PATH)!, env);
    env.DISPLAY = opened.name;
    departed.onceGone(opened.close);
  }

  async function startTerminal(
    channel: ServerChannel,
    program: Command,
    env: Record<string, string>,
    greets: boolean,
  ): Promise<Running> {
    options.onTerminal(channel);
    if (greets) channel.write(await motd());
    const { term, modes } = pty!;
    const terminal = spawnTerminal({
      ...onClientsTerminal(program, (modes ?? {}) as unknown as Record<string, number | undefined>),
      cwd: options.directory(),
      env: { ...env, TERM: term || "xterm-256color" },
      size: pty!,
      clock: options.clock,
    });
    resize = (cols, rows) => terminal.resize({ cols, rows });
    return runTerminal(channel, terminal);
  }

  /** The message of the day with terminal line ends; empty if ~/.hushlogin exists. */
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

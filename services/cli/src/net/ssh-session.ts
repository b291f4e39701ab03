import { once } from "node:events";
import { constants } from "node:os";
import type { Duplex } from "node:stream";
import { FleetError } from "@fleet/base";
import { Client, type ClientChannel } from "ssh2";
import type { Io } from "../io.js";
import { forwardRemote, type RemoteForward } from "./remote-forward.js";
import { readTerminalModes } from "./terminal-modes.js";

/** Exit status if the connection was lost, as with OpenSSH. */
const LOST = 255;
const KEEPALIVE_MS = 15_000;
const KEEPALIVE_MISSES = 4;
const REPAINT_MS = 100;

const UNKNOWN_SERVER =
  "Host key verification failed: the SSH server does not have the host key that the workspace's agent registered. Restart the workspace; if that does not help, contact an administrator.";

/** Hardware-accelerated ciphers first. */
const CIPHERS = [
  "aes128-gcm@openssh.com",
  "aes256-gcm@openssh.com",
  "chacha20-poly1305@openssh.com",
  "aes128-ctr",
] as const;

export type SessionOptions = {
  /** Command to run instead of a login shell. */
  command?: string;
  env: Record<string, string>;
  /** Socket of the SSH agent to forward. */
  agentSocket?: string;
  /** Host key that the agent reported to the deployment, as `type base64`; servers with another key are refused. */
  hostKey?: string;
  remoteForwards: readonly RemoteForward[];
  /** The stream detects lost connections itself, so keepalives are not needed. */
  resumable?: boolean;
  /** Provides a callback that redraws the workspace's screen. */
  onRepaint?(repaint: () => void): void;
  note(text: string): void;
};

/**
 * An SSH client on a stream to an agent. The stream was opened with our token, so the server needs no further
 * authentication.
 */
export async function openClient(
  stream: Duplex,
  { agentSocket, hostKey, resumable }: Pick<SessionOptions, "agentSocket" | "hostKey" | "resumable">,
): Promise<Client> {
  const client = new Client();
  let refused = false;
  const isKnown = (key: Buffer) => {
    refused = hostKey !== undefined && key.toString("base64") !== hostKey.split(" ")[1];
    return !refused;
  };
  const ready = once(client, "ready");
  client.connect({
    sock: stream,
    username: "coder",
    authHandler: ["none"],
    hostVerifier: isKnown,
    keepaliveInterval: resumable ? 0 : KEEPALIVE_MS,
    keepaliveCountMax: KEEPALIVE_MISSES,
    ...(agentSocket ? { agent: agentSocket, agentForward: true } : {}),
    algorithms: { cipher: [...CIPHERS] },
  });
  await ready.catch((error) => {
    throw refused ? new FleetError("failed_precondition", UNKNOWN_SERVER) : error;
  });
  // From here on, "close" reports a lost connection.
  client.on("error", () => {});
  return client;
}

/** Runs a shell or command on an agent's SSH server, attached to the terminal. Resolves with the exit status. */
export async function runSession(stream: Duplex, io: Io, options: SessionOptions): Promise<number> {
  try {
    const client = await openClient(stream, options);
    try {
      for (const forward of options.remoteForwards) await forwardRemote(client, forward);
      return await runChannel(client, stream, io, options);
    } finally {
      client.end();
    }
  } catch (cause) {
    if (cause instanceof FleetError) throw cause;
    throw new FleetError("unavailable", `SSH session failed: ${(cause as Error).message}.`, { cause });
  } finally {
    stream.destroy();
  }
}

function terminalOf(io: Io) {
  if (!io.stdin.isTTY || !io.stdout.isTTY) return undefined;
  return {
    term: io.env.TERM ?? "xterm-256color",
    cols: io.stdout.columns ?? 80,
    rows: io.stdout.rows ?? 24,
    width: 0,
    height: 0,
    // Read before the terminal is set to raw mode.
    modes: readTerminalModes((io.stdin as { fd?: number }).fd ?? 0),
  };
}

/**
 * Opens the channel, attaches the terminal, and resolves with the exit status once it has closed. Everything is
 * attached in the callback itself, because a short command may end in the same packet.
 */
function runChannel(client: Client, stream: Duplex, io: Io, options: SessionOptions): Promise<number> {
  const { command, env, note, onRepaint } = options;
  const terminal = terminalOf(io);
  return new Promise((resolve, reject) => {
    const opened = (error: Error | undefined, channel: ClientChannel) => {
      if (error) return reject(error);
      let status: number | undefined;
      channel.on("exit", (code: number | null, signal?: string) => {
        status = code ?? statusOfSignal(signal) ?? LOST;
      });
      const leave = joinTerminal(channel, io, onRepaint);
      let ended = false;
      // A lost connection closes the client, but not always the channel.
      const finish = () => {
        if (ended) return;
        ended = true;
        leave();
        if (status === undefined) note(lossOf(stream));
        resolve(status ?? LOST);
      };
      channel.once("close", finish);
      client.once("close", finish);
    };
    if (command !== undefined) client.exec(command, { env, ...(terminal ? { pty: terminal } : {}) }, opened);
    else client.shell(terminal ?? false, { env }, opened);
  });
}

/** Exit status of a command that was ended by a signal, as in shells. */
function statusOfSignal(name: string | undefined): number | undefined {
  const number = constants.signals[`SIG${name?.replace(/^SIG/, "")}` as NodeJS.Signals];
  return number && 128 + number;
}

/** Why there is no exit status: the stream's own error message, if any. */
function lossOf(stream: Duplex): string {
  const { errored } = stream;
  return errored instanceof FleetError ? errored.message : "The connection to the workspace was lost.";
}

/** Connects the standard streams to the channel, in raw mode on a terminal. Returns a function that undoes it. */
function joinTerminal(
  channel: ClientChannel,
  { stdin, stdout, stderr }: Io,
  onRepaint: SessionOptions["onRepaint"],
): () => void {
  const raw = Boolean(stdin.isTTY && stdout.isTTY);
  const resize = () => channel.setWindow(stdout.rows ?? 24, stdout.columns ?? 80, 0, 0);
  if (raw) {
    onRepaint?.(() => {
      // Programs redraw when the size changes, and notice only if the change lasts a moment.
      channel.setWindow((stdout.rows ?? 24) - 1, stdout.columns ?? 80, 0, 0);
      setTimeout(resize, REPAINT_MS).unref();
    });
  }
  if (raw) stdin.setRawMode?.(true);
  stdout.on("resize", resize);
  stdin.pipe(channel);
  channel.pipe(stdout, { end: false });
  channel.stderr.pipe(stderr, { end: false });
  return () => {
    if (raw) stdin.setRawMode?.(false);
    stdout.off("resize", resize);
    stdin.unpipe(channel);
    stdin.destroy();
  };
}

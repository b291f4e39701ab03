import type { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import type { Clock } from "@fleet/base";
import { type IPty, spawn } from "@lydell/node-pty";
import type { Command } from "../shell/command.js";

/**
 * node-pty closes a terminal this long after its process exits; we keep waiting in this interval while output is
 * unread.
 */
const LINGER_MS = 200;

export type TerminalSize = { cols: number; rows: number };

export type TerminalExit = { code: number; signal: number | undefined };

/** A process on a pseudo-terminal. */
export type Terminal = {
  readonly pid: number;
  /** Output and input of the process as raw bytes, with backpressure in both directions. */
  readonly io: Duplex;
  /** Resolves when the process has exited and all its output was read. */
  readonly exited: Promise<TerminalExit>;
  resize(size: TerminalSize): void;
  /** Sends a signal to the process group; `SIGHUP` by default. */
  kill(signal?: NodeJS.Signals): void;
};

export type TerminalOptions = Command & {
  cwd: string;
  env: Record<string, string>;
  size: TerminalSize;
  clock: Clock;
};

/** Starts the process. Throws if no terminal is available; a missing program exits with code 127 or 1 instead. */
export function spawnTerminal({ file, args, cwd, env, size, clock }: TerminalOptions): Terminal {
  const pty = spawn(file, args, {
    name: env.TERM || "xterm-256color",
    cwd,
    env,
    ...saneSize(size),
    encoding: null,
  });
  // node-pty does not expose its stream, which is needed for backpressure.
  const io = (pty as IPty & { _socket: Duplex })._socket;
  // node-pty rethrows unexpected errors of its stream unless it has two error listeners.
  for (let count = 0; count < 2; count++) (pty as unknown as EventEmitter).on("error", () => {});
  const destroy = io.destroy.bind(io);
  let killed = false;
  io.destroy = (error) => {
    const unread = io.isPaused() || io.readableLength > 0;
    if (unread && !killed) clock.after(LINGER_MS, () => io.destroy(error));
    else destroy(error);
    return io;
  };
  const exited = new Promise<TerminalExit>((resolve) => {
    pty.onExit(({ exitCode, signal }) => resolve({ code: exitCode, signal: signal || undefined }));
  });
  return {
    pid: pty.pid,
    io,
    exited,
    resize(next) {
      try {
        const { cols, rows } = saneSize(next);
        pty.resize(cols, rows);
      } catch {
        // It has already exited.
      }
    },
    kill(signal = "SIGHUP") {
      killed = true;
      try {
        process.kill(-pty.pid, signal);
      } catch {
        // It has already exited.
      }
    },
  };
}

/** Clamped to a valid terminal size: clients send 0 if the size is unknown. */
function saneSize({ cols, rows }: TerminalSize): TerminalSize {
  const clamp = (value: number, fallback: number) =>
    value > 0 ? Math.min(Math.trunc(value), 4096) : fallback;
  return { cols: clamp(cols, 80), rows: clamp(rows, 24) };
}

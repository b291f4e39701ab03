import type { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import type { Clock } from "@fleet/base";
import { type IPty, spawn } from "@lydell/node-pty";
import type { Command } from "../shell/command.js";

/** node-pty ends a terminal this long after its process; that long we wait again while output is still unread. */
const LINGER_MS = 200;

export type TerminalSize = { cols: number; rows: number };

export type TerminalExit = { code: number; signal: number | undefined };

/** A process on a pseudo-terminal. */
export type Terminal = {
  readonly pid: number;
  /** What the process writes, and what is typed to it; raw bytes, with backpressure both ways. */
  readonly io: Duplex;
  /** Resolves once the process has ended and all its output was read. */
  readonly exited: Promise<TerminalExit>;
  resize(size: TerminalSize): void;
  /** Signals the process and all others of its group, `SIGHUP` unless named. */
  kill(signal?: NodeJS.Signals): void;
};

export type TerminalOptions = Command & {
  cwd: string;
  env: Record<string, string>;
  size: TerminalSize;
  clock: Clock;
};

/** Starts the process. Throws when there is no free terminal; a missing program ends with code 127 or 1 instead. */
export function spawnTerminal({ file, args, cwd, env, size, clock }: TerminalOptions): Terminal {
  const pty = spawn(file, args, {
    name: env.TERM || "xterm-256color",
    cwd,
    env,
    ...saneSize(size),
    encoding: null,
  });
  // The one thing that node-pty does not show: its stream, with which backpressure comes by itself.
  const io = (pty as IPty & { _socket: Duplex })._socket;
  // node-pty throws what it does not expect on its stream, unless two listen for it.
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
        // It has ended meanwhile.
      }
    },
    kill(signal = "SIGHUP") {
      killed = true;
      try {
        process.kill(-pty.pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    },
  };
}

/** Within what a terminal can have: clients send 0 when they do not know. */
function saneSize({ cols, rows }: TerminalSize): TerminalSize {
  const clamp = (value: number, fallback: number) =>
    value > 0 ? Math.min(Math.trunc(value), 4096) : fallback;
  return { cols: clamp(cols, 80), rows: clamp(rows, 24) };
}

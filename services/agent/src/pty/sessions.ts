import type { Duplex } from "node:stream";
import { type Clock, errorMessage, FleetError, type Logger, type Timer } from "@fleet/base";
import { createTerminalMessages, type TerminalInput, type TerminalRequest } from "./messages.js";
import { Ring } from "./ring.js";
import type { Terminal, TerminalSize } from "./terminal.js";

export type TerminalLimits = {
  /** Output that is shown again to who comes back, in bytes a terminal. */
  replayBytes: number;
  /** A terminal that nobody looks at for this long is ended, in milliseconds. */
  idleMs: number;
  /** Terminals at once. */
  sessions: number;
  /** A client that takes no output for this long is let go; it may come back. In milliseconds. */
  stalledClientMs: number;
};

export const TERMINAL_LIMITS: TerminalLimits = {
  replayBytes: 256 * 1024,
  idleMs: 300_000,
  sessions: 256,
  stalledClientMs: 30_000,
};

export type TerminalSessionsOptions = {
  spawn(command: string, size: TerminalSize): Terminal;
  clock: Clock;
  logger: Logger;
  limits?: TerminalLimits;
};

/** The reconnecting terminals of the workspace, by their id. They belong to the agent and outlive their clients. */
export type TerminalSessions = {
  /** Serves one client's stream, in the protocol of `createTerminalMessages`. */
  attach(stream: Duplex): void;
  readonly clientCount: number;
  close(): void;
};

type Session = { terminal: Terminal; ring: Ring; clients: Set<Duplex>; idle: Timer | undefined };

export function createTerminalSessions(options: TerminalSessionsOptions): TerminalSessions {
  const { spawn, clock, logger, limits = TERMINAL_LIMITS } = options;
  const sessions = new Map<string, Session>();

  function start(request: TerminalRequest): Session {
    if (sessions.size >= limits.sessions) {
      throw new FleetError("resource_exhausted", `${limits.sessions} terminals are open. Close some first.`);
    }
    const terminal = spawn(request.command, request);
    const session: Session = {
      terminal,
      ring: new Ring(limits.replayBytes),
      clients: new Set(),
      idle: undefined,
    };
    sessions.set(request.id, session);
    terminal.io.on("data", (chunk: Buffer) => {
      session.ring.push(chunk);
      for (const client of session.clients) send(session, client, chunk);
    });
    void terminal.exited.then(() => {
      sessions.delete(request.id);
      session.idle?.cancel();
      for (const client of session.clients) client.end();
    });
    return session;
  }

  /** Output goes as fast as the slowest client takes it, unless that one takes nothing at all. */
  function send(session: Session, client: Duplex, chunk: Buffer): void {
    if (client.write(chunk)) return;
    const { io } = session.terminal;
    io.pause();
    const stalled = clock.after(limits.stalledClientMs, () => client.destroy());
    const resume = () => {
      stalled.cancel();
      client.off("drain", resume).off("close", resume);
      if (![...session.clients].some((each) => each.writableNeedDrain && !each.destroyed)) io.resume();
    };
    client.on("drain", resume).on("close", resume);
  }

  function join(request: TerminalRequest, client: Duplex): Session {
    const session = sessions.get(request.id) ?? start(request);
    session.idle?.cancel();
    client.write(session.ring.read());
    session.clients.add(client);
    client.once("close", () => {
      session.clients.delete(client);
      if (session.clients.size > 0) return;
      session.idle = clock.after(limits.idleMs, () => session.terminal.kill());
    });
    if (request.cols > 0 && request.rows > 0) session.terminal.resize(request);
    return session;
  }

  function input(session: Session, client: Duplex, { data, rows, cols }: TerminalInput): void {
    if (rows && cols) session.terminal.resize({ rows, cols });
    if (data === undefined) return;
    const { io } = session.terminal;
    if (io.destroyed || !io.writable || io.write(data)) return;
    client.pause();
    io.once("drain", () => client.resume());
  }

  return {
    attach(client) {
      let session: Session | undefined;
      const messages = createTerminalMessages({
        onRequest: (request) => {
          session = join(request, client);
        },
        onInput: (message) => input(session!, client, message),
      });
      client.on("data", (chunk: Buffer) => {
        try {
          messages.push(chunk);
        } catch (error) {
          logger.warn("A terminal's client was turned away.", { reason: errorMessage(error) });
          client.destroy(error as Error);
        }
      });
      client.on("end", () => client.end());
      client.on("error", () => {});
    },
    get clientCount() {
      let count = 0;
      for (const session of sessions.values()) count += session.clients.size;
      return count;
    },
    close() {
      for (const session of sessions.values()) session.terminal.kill();
    },
  };
}

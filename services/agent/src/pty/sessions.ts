import type { Duplex } from "node:stream";
import { type Clock, errorMessage, FleetError, type Logger, type Timer } from "@fleet/base";
import { createTerminalMessages, type TerminalInput, type TerminalRequest } from "./messages.js";
import { Ring } from "./ring.js";
import type { Terminal, TerminalSize } from "./terminal.js";

export type TerminalLimits = {
  /** Output replayed to a reconnecting client, in bytes per terminal. */
  replayBytes: number;
  /** How long a terminal may have no clients before it is closed, in milliseconds. */
  idleMs: number;
  /** Maximum number of terminals. */
  sessions: number;
  /** How long a client may read no output before it is disconnected; it may reconnect. In milliseconds. */
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

/** The reconnecting terminals of the workspace by id. They belong to the agent and outlive their clients. */
export type TerminalSessions = {
  /** Serves one client's stream, in the protocol of `createTerminalMessages`. `onInput` is called when its user types. */
  attach(stream: Duplex, onInput: () => void): void;
  readonly clientCount: number;
  close(): void;
};

/** A client of a terminal: its position, and the deadline for reading what it was sent. */
type Viewer = { stream: Duplex; position: number; stalled: Timer | undefined };

type Session = { terminal: Terminal; ring: Ring; viewers: Set<Viewer>; idle: Timer | undefined };

/** Shown in place of output that a viewer was too slow to read. */
const SKIPPED = "\r\n\x1b[0m[Output was skipped: this connection was too slow.]\r\n";

export function createTerminalSessions(options: TerminalSessionsOptions): TerminalSessions {
  const { spawn, clock, logger, limits = TERMINAL_LIMITS } = options;
  const sessions = new Map<string, Session>();

  function start(request: TerminalRequest): Session {
    if (sessions.size >= limits.sessions) {
      throw new FleetError(
        "resource_exhausted",
        `The workspace has ${limits.sessions} open terminals, which is the limit. Close some, then try again.`,
      );
    }
    const terminal = spawn(request.command, request);
    const session: Session = {
      terminal,
      ring: new Ring(limits.replayBytes),
      viewers: new Set(),
      idle: undefined,
    };
    sessions.set(request.id, session);
    terminal.io.on("data", (chunk: Buffer) => {
      session.ring.push(chunk);
      for (const viewer of session.viewers) send(session, viewer);
      pace(session);
    });
    void terminal.exited.then(() => {
      sessions.delete(request.id);
      session.idle?.cancel();
      for (const { stream, position } of session.viewers) stream.end(session.ring.since(position).bytes);
    });
    return session;
  }

  /** Sends the viewer pending output, unless it has not read the previous output yet. */
  function send(session: Session, viewer: Viewer): void {
    const { stream, position, stalled } = viewer;
    if (stalled || stream.destroyed || position === session.ring.end) return;
    const { bytes, skipped } = session.ring.since(position);
    viewer.position = session.ring.end;
    if (skipped > 0) stream.write(SKIPPED);
    if (stream.write(bytes)) return;
    viewer.stalled = clock.after(limits.stalledClientMs, () => stream.destroy());
    stream.once("drain", () => {
      viewer.stalled?.cancel();
      viewer.stalled = undefined;
      send(session, viewer);
      pace(session);
    });
  }

  /**
   * The program runs at the speed of its fastest viewer: a stalled viewer slows nobody else, and skips overwritten
   * output.
   */
  function pace({ terminal, viewers }: Session): void {
    const all = [...viewers];
    if (all.length > 0 && all.every(({ stalled }) => stalled !== undefined)) terminal.io.pause();
    else if (terminal.io.isPaused()) terminal.io.resume();
  }

  function join(request: TerminalRequest, client: Duplex): Session {
    const session = sessions.get(request.id) ?? start(request);
    session.idle?.cancel();
    const viewer: Viewer = {
      stream: client,
      position: Math.max(0, session.ring.end - limits.replayBytes),
      stalled: undefined,
    };
    session.viewers.add(viewer);
    client.once("close", () => {
      viewer.stalled?.cancel();
      session.viewers.delete(viewer);
      pace(session);
      if (session.viewers.size > 0) return;
      session.idle = clock.after(limits.idleMs, () => session.terminal.kill());
    });
    send(session, viewer);
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
    attach(client, onInput) {
      let session: Session | undefined;
      const messages = createTerminalMessages({
        onRequest: (request) => {
          session = join(request, client);
        },
        onInput(message) {
          if (message.data) onInput();
          input(session!, client, message);
        },
      });
      client.on("data", (chunk: Buffer) => {
        try {
          messages.push(chunk);
        } catch (error) {
          logger.warn("Rejected a terminal client.", { reason: errorMessage(error) });
          client.destroy(error as Error);
        }
      });
      client.on("end", () => client.end());
      client.on("error", () => {});
    },
    get clientCount() {
      let count = 0;
      for (const session of sessions.values()) count += session.viewers.size;
      return count;
    },
    close() {
      for (const session of sessions.values()) session.terminal.kill();
    },
  };
}

import type { Duplex } from "node:stream";
import { type Clock, FleetError, isFleetError } from "@fleet/base";
import type { PendingStream } from "@fleet/tunnel";
import { relayDatagrams } from "../net/datagrams.js";
import { dial } from "../net/dial.js";
import { parseTarget, type Target } from "../net/target.js";
import type { Counters } from "../stats/counters.js";

/** Timeout for connecting to an app, in milliseconds. */
const DIAL_TIMEOUT_MS = 10_000;
/** Version of `@fleet/tunnel/resumable`. A client that asks for another one gets a plain stream. */
const RESUMABLE = "1";

export type StreamsOptions = {
  /** Serves an SSH client. Session and connection are named by the proxy. */
  ssh(stream: Duplex, session: string, connection: string): void;
  /** Shows a line to the user of the session with this id. */
  notice(session: string, line: string): void;
  /** Serves one connection of a resumable SSH client. */
  resumableSsh(stream: Duplex, connection: string): void;
  /** Serves a client of a reconnecting terminal. */
  pty(stream: Duplex, connection: string): void;
  counters: Counters;
  clock: Clock;
};

/**
 * Serves the tunnel's streams by kind: `ssh`, `pty`, `tcp` and `udp` with a target on this machine, and `notice`, a line for the
 * user of an SSH session.
 */
export function createStreamServer({
  ssh,
  notice,
  resumableSsh,
  pty,
  counters,
  clock,
}: StreamsOptions): (pending: PendingStream) => void {
  function accept(pending: PendingStream): Duplex {
    const stream = pending.accept();
    counters.watch(pending.header.kind, stream);
    return stream;
  }

  function datagramsOf(pending: PendingStream): Parameters<typeof relayDatagrams> {
    const target = parseTarget(pending.header.target);
    if ("path" in target) throw new FleetError("invalid_argument", "A socket has no UDP port.");
    return [accept(pending), target];
  }

  async function connectTo(pending: PendingStream, target: Target): Promise<void> {
    const giveUp = new AbortController();
    const timeout = clock.after(DIAL_TIMEOUT_MS, () => giveUp.abort(new Error("connection timed out")));
    try {
      const socket = await dial(target, giveUp.signal);
      relay(accept(pending), socket);
    } catch (cause) {
      const error = cause as NodeJS.ErrnoException;
      const reason = error.code === "ECONNREFUSED" ? "connection refused" : error.message;
      const message = `Cannot connect to ${pending.header.target}: ${reason}.`;
      pending.refuse(new FleetError("unavailable", message, { cause }));
    } finally {
      timeout.cancel();
    }
  }

  return (pending) => {
    try {
      const connection = pending.header.meta?.connection ?? "";
      switch (pending.header.kind) {
        case "ssh":
          return pending.header.meta?.resumable === RESUMABLE
            ? resumableSsh(accept(pending), connection)
            : ssh(accept(pending), pending.header.meta?.session ?? "", connection);
        case "notice":
          notice(pending.header.target, pending.header.meta?.line ?? "");
          return void pending.accept().end();
        case "pty":
          return pty(accept(pending), connection);
        case "tcp":
          return void connectTo(pending, parseTarget(pending.header.target));
        case "udp":
          return relayDatagrams(...datagramsOf(pending));
        default:
          throw new FleetError(
            "unimplemented",
            `This agent does not support streams of kind ${pending.header.kind}.`,
          );
      }
    } catch (error) {
      pending.refuse(
        isFleetError(error)
          ? error
          : new FleetError("internal", "The agent failed to serve the stream.", { cause: error }),
      );
    }
  };
}

/** Pipes in both directions with half-close; an error on one side destroys the other. */
function relay(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => {
      if (!from.readableEnded || !from.writableFinished) to.destroy();
    });
  }
}

import type { Duplex } from "node:stream";
import { type Clock, FleetError, isFleetError } from "@fleet/base";
import type { PendingStream } from "@fleet/tunnel";
import type { Counters } from "../stats/counters.js";
import { dial } from "./dial.js";
import { parseTarget, type Target } from "./target.js";

/** How long an app may take to accept a connection, in milliseconds. */
const DIAL_TIMEOUT_MS = 10_000;
/** The protocol of `@fleet/tunnel/resumable`. A client that asks for another one gets the plain stream. */
const RESUMABLE = "1";

export type StreamsOptions = {
  /** Takes an SSH client; the proxy has given it a name. */
  ssh(stream: Duplex, session: string): void;
  /** Takes a line for the person at the session of this name. */
  notice(session: string, line: string): void;
  /** Takes one of the connections of an SSH client that outlives them. */
  resumableSsh(connection: Duplex): void;
  /** Takes a client of the reconnecting terminal. */
  pty(stream: Duplex): void;
  counters: Counters;
  clock: Clock;
};

/**
 * Serves what comes through the tunnel, by its kind: `ssh`, `pty`, `tcp` with a target on this machine, and `notice`, a
 * line for the person at an SSH session.
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

  async function connectTo(pending: PendingStream, target: Target): Promise<void> {
    const giveUp = new AbortController();
    const timeout = clock.after(DIAL_TIMEOUT_MS, () => giveUp.abort(new Error("it did not answer")));
    try {
      const socket = await dial(target, giveUp.signal);
      relay(accept(pending), socket);
    } catch (cause) {
      const error = cause as NodeJS.ErrnoException;
      const reason = error.code === "ECONNREFUSED" ? "nothing listens there" : error.message;
      const message = `${pending.header.target} cannot be reached: ${reason}.`;
      pending.refuse(new FleetError("unavailable", message, { cause }));
    } finally {
      timeout.cancel();
    }
  }

  return (pending) => {
    try {
      switch (pending.header.kind) {
        case "ssh":
          return pending.header.meta?.resumable === RESUMABLE
            ? resumableSsh(accept(pending))
            : ssh(accept(pending), pending.header.meta?.session ?? "");
        case "notice":
          notice(pending.header.target, pending.header.meta?.line ?? "");
          return void pending.accept().end();
        case "pty":
          return pty(accept(pending));
        case "tcp":
          return void connectTo(pending, parseTarget(pending.header.target));
        default:
          throw new FleetError(
            "unimplemented",
            `This agent serves no streams of kind ${pending.header.kind}.`,
          );
      }
    } catch (error) {
      pending.refuse(
        isFleetError(error)
          ? error
          : new FleetError("internal", "The agent failed to serve it.", { cause: error }),
      );
    }
  };
}

/** Pipes both ways, each direction with its own end; when one side breaks, so does the other. */
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

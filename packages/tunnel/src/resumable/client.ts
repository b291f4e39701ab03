import { randomBytes as systemRandomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import {
  abortable,
  type BackoffPolicy,
  type Clock,
  createBackoff,
  type ErrorCode,
  errorMessage,
  FleetError,
  formatDuration,
  isFleetError,
  systemClock,
} from "@fleet/base";
import { createConnection } from "./connection.js";
import {
  createCredential,
  decodeReset,
  decodeWelcome,
  disagreement,
  encodeHello,
  encodeReset,
  FRAME,
  type Position,
} from "./frame.js";
import { readGreeting } from "./greeting.js";
import { DEFAULT_LIMITS, type ResumableLimits } from "./limits.js";
import { ResumableStream } from "./stream.js";

/** The first retry is almost immediate: a restarted proxy is one of several. */
const RECONNECT: BackoffPolicy = { initialMs: 50, maxMs: 5_000, factor: 2 };

export type ResumableOptions = {
  /** Opens a connection to the server. If it rejects, `isFinal` decides whether to retry. */
  connect(signal: AbortSignal): Promise<Duplex>;
  /** True for an error of `connect` that no retry will fix. By default: permanent codes, not transient ones. */
  isFinal?(error: unknown): boolean;
  /** The connection is lost, and the client is reconnecting. */
  onLost?(reason: string): void;
  onResumed?(): void;
  clock?: Clock;
  random?: () => number;
  randomBytes?: (bytes: number) => Buffer;
  limits?: Partial<ResumableLimits>;
};

/** What `connect` led to: a stream that outlives its connections, or the bare one of a server that knows no others. */
export type ResumableConnection =
  | { resumable: true; stream: Duplex & { readonly bytesRead: number; readonly bytesWritten: number } }
  | { resumable: false; stream: Duplex };

/**
 * Connects once, which may fail as `connect` does. After that the stream reconnects by itself, and fails only
 * permanently: a refusal of `connect`, a server that no longer knows the stream, or too long without a connection.
 */
export async function openResumable(options: ResumableOptions): Promise<ResumableConnection> {
  const { clock = systemClock, isFinal = isRefusal, randomBytes = systemRandomBytes } = options;
  const limits: ResumableLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const credential = createCredential(randomBytes);
  const backoff = createBackoff(RECONNECT, options.random);
  const leaving = new AbortController();
  let connectedAt = clock.now().getTime();
  let begun = false; // the server has said that it knows the stream

  const stream = new ResumableStream({
    clock,
    limits,
    onLost(reason) {
      options.onLost?.(reason);
      void reconnect();
    },
    async onOver(reason, told) {
      leaving.abort(reason);
      if (reason && !told) await farewell(reason);
    },
  });

  const { transport, greeted } = await dial(leaving.signal, limits.handshakeMs);
  if (!greeted) return { resumable: false, stream: transport };
  await shakeHands(transport).catch((error) => {
    if (stream.destroyed) throw error;
    stream.onLost(errorMessage(error));
  });
  return { resumable: true, stream };

  /** Connects, and detects whether the other end supports resumable streams. */
  async function dial(
    signal: AbortSignal,
    withinMs: number,
  ): Promise<{ transport: Duplex; greeted: boolean }> {
    const tooLate = new AbortController();
    const timer = clock.after(withinMs, () => tooLate.abort(noAnswer()));
    const either = AbortSignal.any([signal, tooLate.signal]);
    const connecting = options.connect(either);
    try {
      const transport = await abortable(connecting, either);
      return { transport, greeted: await readGreeting(transport, either) };
    } catch (error) {
      connecting.then(
        (late) => late.destroy(),
        () => {},
      );
      throw error;
    } finally {
      timer.cancel();
    }
  }

  /** Says who this is and where it stands; the stream goes on once the server agrees. */
  function shakeHands(transport: Duplex): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (error: Error) => {
      void connection.end();
      reject(error);
    };
    const goOn = (position: Position) => {
      connectedAt = clock.now().getTime();
      stream.attach(connection, position);
      if (begun) options.onResumed?.();
      begun = true;
    };
    const connection = createConnection({
      transport,
      clock,
      limits,
      handler: {
        onFrame(type, payload) {
          if (type === FRAME.reset) {
            fail(decodeReset(payload));
            return stream.onFrame(type, payload);
          }
          if (type !== FRAME.welcome) return NO_HANDSHAKE;
          const position = decodeWelcome(payload);
          if (stream.destroyed) fail(new FleetError("canceled", "The stream was closed."));
          else if (!stream.agreesWith(position)) stream.destroy(disagreement());
          else goOn(position);
          resolve();
          return undefined;
        },
        onData: () => NO_HANDSHAKE,
        onDrain() {},
        onLost: (reason) => fail(new FleetError("unavailable", reason)),
      },
    });
    connection.send(encodeHello({ ...stream.position, credential, begin: !begun }));
    const timer = clock.after(limits.handshakeMs, () => fail(noAnswer()));
    return promise.finally(() => timer.cancel());
  }

  /** Connects again and again until the stream goes on, or something final happens. */
  async function reconnect(): Promise<void> {
    const lostAt = clock.now().getTime();
    if (lostAt - connectedAt > RECONNECT.maxMs) backoff.reset();
    while (!stream.destroyed) {
      try {
        await clock.sleep(backoff.next(), leaving.signal);
        if (clock.now().getTime() - lostAt > limits.detachedMs) return void stream.destroy(unreachable());
        const { transport, greeted } = await dial(leaving.signal, limits.handshakeMs);
        if (greeted) return await shakeHands(transport);
        transport.destroy();
        stream.destroy(new FleetError("not_found", "The workspace's agent no longer knows this session."));
      } catch (error) {
        if (isFinal(error)) stream.destroy(error as Error);
      }
    }
  }

  /** Tells a server that could not be told otherwise, so that it does not keep what nobody will come back for. */
  async function farewell(reason: FleetError): Promise<void> {
    const until = clock.now().getTime() + limits.farewellMs;
    const never = new AbortController().signal;
    for (let leftMs = limits.farewellMs; leftMs > 0; leftMs = until - clock.now().getTime()) {
      try {
        const { transport, greeted } = await dial(never, leftMs);
        if (!greeted) return void transport.destroy();
        const handler = { onFrame: nothing, onData: nothing, onDrain: nothing, onLost: nothing };
        const connection = createConnection({ transport, clock, limits, handler });
        connection.send(encodeHello({ ...stream.position, credential, begin: false }));
        connection.send(encodeReset(reason));
        return await connection.end();
      } catch (error) {
        if (isFinal(error)) return;
        await clock.sleep(Math.min(backoff.next(), limits.farewellMs));
      }
    }
  }

  function unreachable(): FleetError {
    return new FleetError(
      "deadline_exceeded",
      `The workspace was unreachable for ${formatDuration(limits.detachedMs)}.`,
    );
  }
}

const NO_HANDSHAKE = "The other end did not complete the handshake.";
const REFUSALS = [
  "unauthenticated",
  "permission_denied",
  "not_found",
  "failed_precondition",
  "invalid_argument",
  "unimplemented",
] as const satisfies ErrorCode[];

function isRefusal(error: unknown): boolean {
  return isFleetError(error, ...REFUSALS);
}

function noAnswer(): FleetError {
  return new FleetError("deadline_exceeded", "Timed out waiting for the workspace.");
}

function nothing(): undefined {}

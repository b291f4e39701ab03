import { type Clock, createBackoff, isFleetError, systemClock } from "@fleet/base";
import { type CallOptions, createGrpcClient, type GrpcClient } from "@fleet/proto-gen";
import { ProxyService } from "@fleet/proto-gen/proxy";
import { context, propagation } from "@opentelemetry/api";
import { LIMITS } from "../limits.js";

/** coderd, as a proxy sees it. */
export type Coderd = GrpcClient<(typeof ProxyService)["method"]>;

/** Between two tries of a call that coderd could not answer. */
const BACKOFF = { initialMs: 50, maxMs: 1_000, factor: 2 };

export type CoderdOptions = {
  address: string;
  token: string;
  /** How long a call waits for a coderd that is away, milliseconds. */
  patienceMs?: number;
  clock?: Clock;
};

/**
 * Connects to coderd's gRPC at `host:port`. The proxy's token and the trace go with each call. While coderd, or its
 * database, is away, calls wait: all of them for a connection, and those that only ask are asked again when an answer was
 * lost.
 */
export function connectCoderd(options: CoderdOptions): Coderd {
  const { patienceMs = LIMITS.coderdPatienceMs, clock = systemClock } = options;
  const client = createGrpcClient(ProxyService, {
    address: options.address,
    metadata: () => {
      const metadata: Record<string, string> = { "coder-proxy-token": options.token };
      propagation.inject(context.active(), metadata);
      return metadata;
    },
    defaultTimeoutMs: patienceMs,
    waitForReady: true,
    channelOptions: {
      // A coderd that vanished without a word is noticed within a quarter of a minute, and its stream ends.
      "grpc.keepalive_time_ms": 10_000,
      "grpc.keepalive_timeout_ms": 5_000,
      "grpc.keepalive_permit_without_calls": 1,
    },
  });

  function again<Request, Response>(call: (request: Request, given?: CallOptions) => Promise<Response>) {
    return async (request: Request, given: CallOptions = {}): Promise<Response> => {
      const backoff = createBackoff(BACKOFF);
      const endsAt = performance.now() + (given.timeoutMs ?? patienceMs);
      for (;;) {
        try {
          return await call(request, { ...given, timeoutMs: Math.max(1, endsAt - performance.now()) });
        } catch (error) {
          const delayMs = backoff.next();
          if (!isFleetError(error, "unavailable") || performance.now() + delayMs > endsAt) throw error;
          await clock.sleep(delayMs, given.signal);
        }
      }
    };
  }

  return {
    ...client,
    authenticateAgent: again(client.authenticateAgent),
    authorizeAgent: again(client.authorizeAgent),
    authorizeApp: again(client.authorizeApp),
    lookupRoute: again(client.lookupRoute),
  };
}

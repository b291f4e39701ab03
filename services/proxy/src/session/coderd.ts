import { type Clock, createBackoff, isFleetError, systemClock } from "@fleet/base";
import { type CallOptions, createGrpcClient, type GrpcClient } from "@fleet/proto-gen";
import { ProxyService } from "@fleet/proto-gen/proxy";
import { context, propagation } from "@opentelemetry/api";
import { LIMITS } from "../limits.js";

/** The gRPC clients for coderd. */
export type Coderd = GrpcClient<(typeof ProxyService)["method"]>;

/** Delay between attempts of a call that coderd could not answer. */
const BACKOFF = { initialMs: 50, maxMs: 1_000, factor: 2 };

export type CoderdOptions = {
  address: string;
  token: string;
  /** How long a call waits for an unavailable coderd, in milliseconds. */
  patienceMs?: number;
  clock?: Clock;
};

/**
 * Connects to coderd's gRPC at `host:port`. Each call carries the proxy's token and the trace context. While coderd or
 * its database is unavailable, calls wait: all of them for a connection; read-only calls are also retried when a
 * response was lost.
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
      // A coderd that vanished is detected within 15 seconds, and its stream ends.
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
    authenticateSshKey: again(client.authenticateSshKey),
    authorizeSsh: again(client.authorizeSsh),
    lookupRoute: again(client.lookupRoute),
  };
}

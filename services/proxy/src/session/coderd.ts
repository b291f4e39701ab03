import { createGrpcClient, type GrpcClient } from "@fleet/proto-gen";
import { ProxyService } from "@fleet/proto-gen/proxy";
import { context, propagation } from "@opentelemetry/api";

/** coderd, as a proxy sees it. */
export type Coderd = GrpcClient<(typeof ProxyService)["method"]>;

/** Bounds a request for a decision: a browser waits for it. Milliseconds. */
const DECISION_TIMEOUT_MS = 10_000;

/** Connects to coderd's gRPC at `host:port`. The proxy's token and the trace go with each call. */
export function connectCoderd(options: { address: string; token: string }): Coderd {
  return createGrpcClient(ProxyService, {
    address: options.address,
    metadata: () => {
      const metadata: Record<string, string> = { "coder-proxy-token": options.token };
      propagation.inject(context.active(), metadata);
      return metadata;
    },
    defaultTimeoutMs: DECISION_TIMEOUT_MS,
    channelOptions: {
      // A coderd that vanished without a word is noticed within a quarter of a minute, and its stream ends.
      "grpc.keepalive_time_ms": 10_000,
      "grpc.keepalive_timeout_ms": 5_000,
      "grpc.keepalive_permit_without_calls": 1,
      "grpc.max_reconnect_backoff_ms": 2_000,
    },
  });
}

import { errorMessage, type Logger } from "@fleet/base";
import type { CallContext } from "@fleet/proto-gen";
import { extractTraceContext, withSpan } from "@fleet/telemetry";
import type { Tracer } from "@opentelemetry/api";
import { Counter, Histogram, type Registry } from "prom-client";
import { toTold } from "../outage.js";

export type RpcObserver = <T>(call: CallContext, next: () => Promise<T>) => Promise<T>;

/** Wraps each gRPC call: counts it, traces it under the caller's span, and logs internal failures. */
export function observeCalls(options: { registry: Registry; tracer: Tracer; logger: Logger }): RpcObserver {
  const { registry, tracer, logger } = options;
  const registers = [registry];
  const calls = new Counter({
    name: "coderd_rpc_calls_total",
    help: "Completed gRPC calls by method and code.",
    labelNames: ["method", "code"],
    registers,
  });
  const seconds = new Histogram({
    name: "coderd_rpc_call_duration_seconds",
    help: "Duration of gRPC calls, including streams.",
    labelNames: ["method"],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 10, 60, 3600],
    registers,
  });

  return async (call, next) => {
    const { method } = call;
    const end = seconds.startTimer({ method });
    try {
      const result = await withSpan(
        tracer,
        method,
        { "rpc.system": "grpc", "rpc.method": method },
        next,
        parentOf(call),
      );
      calls.inc({ method, code: "ok" });
      return result;
    } catch (error) {
      const told = toTold(error);
      const { code, cause } = told;
      calls.inc({ method, code });
      if (code === "internal") logger.error("call failed", { method, error: cause ?? error });
      else logger.debug("call rejected", { method, code, error: errorMessage(error) });
      throw told;
    } finally {
      end();
    }
  };
}

function parentOf({ metadata }: CallContext) {
  const carrier: Record<string, string> = {};
  for (const key of ["traceparent", "tracestate"]) {
    const [value] = metadata.get(key);
    if (typeof value === "string") carrier[key] = value;
  }
  return extractTraceContext(carrier);
}

import type { IncomingMessage } from "node:http";
import type { Logger } from "@fleet/base";
import { context, propagation, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { ClientFacts } from "./http/client-facts.js";
import type { ProxyMetrics, TrafficKind } from "./metrics.js";

/** The outcome of a request or connection. */
export type TrafficEnd = {
  status: number;
  bytesIn?: number;
  bytesOut?: number;
  error?: Error;
  agentId?: string;
  workspaceId?: string;
  userId?: string;
  app?: string;
};

/** Records one span, one metric and one wide log line per request or connection. */
export type Traffic = {
  observe(
    kind: TrafficKind,
    request: Pick<IncomingMessage, "method" | "url" | "headers">,
    facts: Pick<ClientFacts, "address" | "host" | "requestId">,
    work: () => Promise<TrafficEnd>,
  ): Promise<void>;
  /** Resolves when open requests have been answered, without waiting for upgraded connections. */
  idle(): Promise<void>;
};

export function createTraffic(options: { metrics: ProxyMetrics; log: Logger }): Traffic {
  const { metrics, log } = options;
  const tracer = trace.getTracer("proxy");
  const open = new Set<Promise<TrafficEnd>>();

  return {
    async observe(kind, request, facts, work) {
      const count = metrics.begin(kind);
      const path = (request.url ?? "").split("?", 1)[0]!;
      const parent = propagation.extract(context.active(), request.headers);
      const span = tracer.startSpan(
        `proxy ${kind}`,
        { kind: SpanKind.SERVER, attributes: { "http.request.method": request.method, "url.path": path } },
        parent,
      );
      let failure: unknown;
      const working = context.with(trace.setSpan(parent, span), work).catch((error: Error): TrafficEnd => {
        failure = error;
        return { status: 500, error };
      });
      if (request.headers.upgrade === undefined) open.add(working);
      const end = await working;
      open.delete(working);
      const durationMs = count(end);
      finish(span, end);
      const fields = {
        kind,
        method: request.method,
        host: facts.host,
        path,
        status: end.status,
        durationMs: Math.round(durationMs * 10) / 10,
        requestId: facts.requestId,
        address: facts.address,
        bytesIn: end.bytesIn,
        bytesOut: end.bytesOut,
        agentId: end.agentId,
        workspaceId: end.workspaceId,
        userId: end.userId || undefined,
        app: end.app,
        reason: end.error?.message,
      };
      if (kind === "frontdoor") log.debug("request", fields);
      else log.info("request", fields);
      if (failure !== undefined) throw failure;
    },
    async idle() {
      await Promise.all(open);
    },
  };
}

function finish(span: Span, end: TrafficEnd): void {
  span.setAttribute("http.response.status_code", end.status);
  if (end.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message: end.error?.message });
  span.end();
}

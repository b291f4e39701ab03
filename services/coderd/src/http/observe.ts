import type { IncomingMessage } from "node:http";
import type { Logger } from "@fleet/base";
import type { RouteSpec } from "@fleet/sdk";
import { extractTraceContext } from "@fleet/telemetry";
import { context, SpanKind, SpanStatusCode, type Tracer, trace } from "@opentelemetry/api";
import type { RequestHandler } from "express";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { requestIdOf } from "./facts.js";
import { matcher } from "./router.js";
import { targetOf } from "./target.js";

/** API metrics, under upstream's names so that its dashboards work. */
export class ApiMetrics {
  readonly processed: Counter<"code" | "method" | "path">;
  readonly latencies: Histogram<"method" | "path">;
  readonly concurrent: Gauge<"method" | "path">;
  readonly sockets: Gauge<"path">;
  readonly socketDurations: Histogram<"path">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.processed = new Counter({
      name: "coderd_api_requests_processed_total",
      help: "HTTP requests handled.",
      labelNames: ["code", "method", "path"],
      registers,
    });
    this.latencies = new Histogram({
      name: "coderd_api_request_latencies_seconds",
      help: "Time from the request headers to the end of the response.",
      labelNames: ["method", "path"],
      buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 10, 30],
      registers,
    });
    this.concurrent = new Gauge({
      name: "coderd_api_concurrent_requests",
      help: "HTTP requests in progress.",
      labelNames: ["method", "path"],
      registers,
    });
    this.sockets = new Gauge({
      name: "coderd_api_concurrent_websockets",
      help: "Open WebSocket streams.",
      labelNames: ["path"],
      registers,
    });
    this.socketDurations = new Histogram({
      name: "coderd_api_websocket_durations_seconds",
      help: "Duration of WebSocket streams.",
      labelNames: ["path"],
      buckets: [0.1, 1, 10, 60, 600, 3600, 36_000],
      registers,
    });
  }
}

/** The route's pattern rather than the path, which could contain a name and would create a series of its own. */
export function pathLabel(pathname: string): string {
  const pattern = matcher.patternOf(pathname);
  if (pattern) return labelOf(pattern);
  if (pathname.startsWith("/api/")) return "unknown";
  return pathname.startsWith("/bin/") ? "/bin/{name}" : "static";
}

function labelOf(pattern: string): string {
  return pattern.replace(/:(\w+)/g, "{$1}");
}

/** Counts WebSockets opened, and records their duration when they close. */
export function observeSockets(metrics: ApiMetrics): (route: RouteSpec) => () => void {
  return (route) => {
    const path = labelOf(route.path);
    const end = metrics.socketDurations.startTimer({ path });
    metrics.sockets.inc({ path });
    return () => {
      metrics.sockets.dec({ path });
      end();
    };
  };
}

/** Counts and traces each request and logs one line for it. Query strings are omitted: they can contain a token. */
export function observeRequests(options: {
  metrics: ApiMetrics;
  tracer: Tracer;
  logger: Logger;
}): RequestHandler {
  const { metrics, tracer, logger } = options;
  return (request, response, next) => {
    const startedAt = process.hrtime.bigint();
    const path = pathLabel(targetOf(request).pathname);
    const { method } = request;
    metrics.concurrent.inc({ method, path });
    const parent = extractTraceContext(stringHeaders(request));
    const span = tracer.startSpan(
      `${method} ${path}`,
      { kind: SpanKind.SERVER, attributes: { "http.request.method": method, "http.route": path } },
      parent,
    );
    response.once("close", () => {
      const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
      const code = response.writableFinished ? response.statusCode : 499;
      metrics.concurrent.dec({ method, path });
      metrics.processed.inc({ code: String(code), method, path });
      metrics.latencies.observe({ method, path }, seconds);
      span.setAttribute("http.response.status_code", code);
      if (code >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
      const line = { requestId: requestIdOf(request), method, path, code, ms: Math.round(seconds * 1000) };
      if (code >= 500) logger.warn("request", line);
      else logger.debug("request", line);
    });
    context.with(trace.setSpan(parent, span), next);
  };
}

function stringHeaders(request: IncomingMessage): Record<string, string> {
  const { traceparent, tracestate } = request.headers;
  return {
    ...(typeof traceparent === "string" ? { traceparent } : {}),
    ...(typeof tracestate === "string" ? { tracestate } : {}),
  };
}

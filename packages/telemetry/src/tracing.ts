import { errorMessage } from "@fleet/base";
import {
  type Attributes,
  type Context,
  context,
  propagation,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { Tracing } from "./tracing-sdk.js";

export type { Tracing } from "./tracing-sdk.js";

export type TracingOptions = {
  /** The program's name: the `service.name` of its spans, unless OTEL_SERVICE_NAME overrides it. */
  service: string;
  enabled: boolean;
  /** The OTEL_* variables. */
  env: Readonly<Record<string, string | undefined>>;
};

/**
 * Turns on tracing for the process if enabled: spans are sent by OTLP over HTTP to the endpoint in the standard
 * OTEL_EXPORTER_OTLP_* variables. Otherwise nothing is loaded, and every span is the API's no-op.
 */
export async function startTracing({ service, enabled, env }: TracingOptions): Promise<Tracing> {
  const off = { tracer: trace.getTracer(service), close: async () => {} };
  if (!enabled) return off;
  const { startTracingSdk } = await import("./tracing-sdk.js");
  return startTracingSdk(service, env);
}

/**
 * Runs `use` inside a span that ends with it; an error marks the span as failed and is rethrown. The span's parent is
 * the active one, or the one in `parent`.
 */
export async function withSpan<T>(
  tracer: Tracer,
  name: string,
  attributes: Attributes,
  use: (span: Span) => Promise<T> | T,
  parent: Context = context.active(),
): Promise<T> {
  return tracer.startActiveSpan(name, { attributes }, parent, async (span) => {
    try {
      return await use(span);
    } catch (error) {
      span.recordException(error instanceof Error ? error : String(error));
      span.setStatus({ code: SpanStatusCode.ERROR, message: errorMessage(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** A trace context carried in a header, gRPC metadata, a queue's job or an environment. Empty if tracing is off. */
export type TraceCarrier = Record<string, string>;

/** Writes the active span's context into the carrier (W3C `traceparent` and `tracestate`), and returns it. */
export function injectTraceContext(carrier: TraceCarrier = {}): TraceCarrier {
  propagation.inject(context.active(), carrier);
  return carrier;
}

/** The context in a carrier, to pass to `withSpan` as the parent. */
export function extractTraceContext(carrier: TraceCarrier): Context {
  return propagation.extract(context.active(), carrier);
}

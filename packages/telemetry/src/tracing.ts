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
  /** The program's name: `service.name` of its spans, unless OTEL_SERVICE_NAME says otherwise. */
  service: string;
  enabled: boolean;
  /** The OTEL_* variables. */
  env: Readonly<Record<string, string | undefined>>;
};

/**
 * Turns on tracing for the process where it is enabled: spans go by OTLP over HTTP to where the standard
 * OTEL_EXPORTER_OTLP_* variables say. Otherwise nothing is loaded, and every span is the API's no-op.
 */
export async function startTracing({ service, enabled, env }: TracingOptions): Promise<Tracing> {
  const off = { tracer: trace.getTracer(service), close: async () => {} };
  if (!enabled) return off;
  const { startTracingSdk } = await import("./tracing-sdk.js");
  return startTracingSdk(service, env);
}

/**
 * Runs `use` inside a span that ends with it; a throw marks the span as failed and goes on. The span's parent is the
 * active one, or the one of `parent`.
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

/** A trace's identity on its way through a header, gRPC metadata, a queue's job or an environment. Empty when tracing is off. */
export type TraceCarrier = Record<string, string>;

/** Writes the active span's identity into the carrier (W3C `traceparent` and `tracestate`), and returns it. */
export function injectTraceContext(carrier: TraceCarrier = {}): TraceCarrier {
  propagation.inject(context.active(), carrier);
  return carrier;
}

/** The context that a carrier describes, to give to `withSpan` as the parent. */
export function extractTraceContext(carrier: TraceCarrier): Context {
  return propagation.extract(context.active(), carrier);
}

import { VERSION } from "@fleet/base";
import { context, propagation, type Tracer, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

export type Tracing = {
  readonly tracer: Tracer;
  /** Flushes pending spans, for at most five seconds. */
  close(): Promise<void>;
};

const FLUSH_LIMIT_MS = 5000;

/** Loads and registers the SDK: only if tracing is enabled. Spans wait in a queue of 2,048; beyond it they are dropped. */
export function startTracingSdk(service: string, env: Readonly<Record<string, string | undefined>>): Tracing {
  const ratio = Number(env.OTEL_TRACES_SAMPLER_ARG);
  const sampled = env.OTEL_TRACES_SAMPLER?.endsWith("traceidratio") && Number.isFinite(ratio);
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ "service.name": service, "service.version": VERSION }))
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: new ParentBasedSampler({
      root: sampled ? new TraceIdRatioBasedSampler(ratio) : new AlwaysOnSampler(),
    }),
    spanProcessors: [
      new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), exportTimeoutMillis: FLUSH_LIMIT_MS }),
    ],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  return {
    tracer: provider.getTracer(service, VERSION),
    async close() {
      await provider.shutdown();
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}

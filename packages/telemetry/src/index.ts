export { formatHuman } from "./human-log.js";
export { createLogger, type LoggerOptions, type LogLevel } from "./logger.js";
export {
  createMetrics,
  type Health,
  type MetricsServer,
  type MetricsServerOptions,
  serveMetrics,
} from "./metrics.js";
export { type RunningService, runService, type ServiceContext, serviceSettings } from "./service.js";
export {
  extractTraceContext,
  injectTraceContext,
  startTracing,
  type TraceCarrier,
  type Tracing,
  type TracingOptions,
  withSpan,
} from "./tracing.js";

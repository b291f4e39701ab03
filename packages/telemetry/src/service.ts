import {
  type Clock,
  type Closer,
  createCloser,
  FleetError,
  type Logger,
  parseBoolean,
  type Running,
  runProcess,
  systemClock,
} from "@fleet/base";
import { address, boolean, type Environment, type Settings, text, type ValuesOf } from "@fleet/base/settings";
import type { Tracer } from "@opentelemetry/api";
import { Counter, type Registry } from "prom-client";
import { createLogger, openLog } from "./logger.js";
import { createMetrics, type Health, serveMetrics } from "./metrics.js";
import { startTracing } from "./tracing.js";

function requirePath(value: string): void {
  if (parseBoolean(value) !== undefined)
    throw new FleetError("invalid_argument", "must be a path, for example /dev/stderr");
}

/** Settings common to all services. */
export const serviceSettings = {
  CODER_PROMETHEUS_ENABLE: boolean({
    default: "false",
    help: "Serve Prometheus metrics, /healthz and /readyz",
  }),
  CODER_PROMETHEUS_ADDRESS: address({
    default: "127.0.0.1:2112",
    help: "Address that metrics and health checks are served on",
  }),
  CODER_TRACE_ENABLE: boolean({
    default: "false",
    help: "Send OpenTelemetry traces to the endpoint set by the OTEL_EXPORTER_OTLP_* variables",
  }),
  CODER_VERBOSE: boolean({ default: "false", help: "Log debug messages" }),
  CODER_LOGGING_HUMAN: text({
    type: "path",
    check: requirePath,
    help: "File to write human-readable logs to instead of JSON lines on standard error, for example /dev/stderr",
  }),
};

/** What a service is started with. */
export type ServiceContext<D extends typeof serviceSettings> = {
  config: ValuesOf<D>;
  env: Environment;
  logger: Logger;
  registry: Registry;
  tracer: Tracer;
  clock: Clock;
  /** Closed after the service has ended, and if it fails to start. */
  closer: Closer;
};

/** A running service, and whether it should get traffic. */
export type RunningService = Running & { readonly health: Health };

/** Runs a service: provides the settings, logs, traces and metrics common to all; `start` does the rest. */
export function runService<D extends typeof serviceSettings>(options: {
  name: string;
  /** Prefix of the metric `<prefix>_build_info`; the name by default. */
  metricsPrefix?: string;
  settings: Settings<D>;
  env: Environment;
  start(service: ServiceContext<D>): Promise<RunningService>;
}): Promise<never> {
  const { name, metricsPrefix = name, settings, env } = options;
  return runProcess({
    name,
    settings,
    env,
    args: process.argv.slice(2),
    async start(config) {
      const common = config as ValuesOf<typeof serviceSettings>;
      const logger = createLogger({
        service: name,
        level: common.CODER_VERBOSE ? "debug" : "info",
        human: common.CODER_LOGGING_HUMAN !== undefined,
        stream: openLog(common.CODER_LOGGING_HUMAN ?? "/dev/stderr"),
      });
      for (const { name: wrong, meant } of settings.misspelt(env)) {
        logger.warn("This environment variable is not a setting. Check its spelling.", {
          name: wrong,
          meant,
        });
      }
      const closer = createCloser();
      try {
        const tracing = await startTracing({ service: name, enabled: common.CODER_TRACE_ENABLE, env });
        closer.add(() => tracing.close());
        const registry = createMetrics({ service: metricsPrefix });
        const { tracer } = tracing;
        const running = await options.start({
          config,
          env,
          logger,
          registry,
          tracer,
          clock: systemClock,
          closer,
        });
        if (common.CODER_PROMETHEUS_ENABLE) {
          const metrics = await serveMetrics({
            address: common.CODER_PROMETHEUS_ADDRESS,
            registry,
            health: running.health,
          });
          closer.add(() => metrics.close());
        }
        logger.info("ready");
        const faults = new Counter({
          name: `${metricsPrefix}_unhandled_errors_total`,
          help: "Unhandled errors. Each one is a bug; the log has the stack trace.",
          registers: [registry],
        });
        return {
          ...running,
          done: running.done.finally(() => closer.close()),
          onFault(error) {
            faults.inc();
            logger.error("unhandled error", { error });
          },
        };
      } catch (error) {
        await closer.close();
        throw error;
      }
    },
  });
}

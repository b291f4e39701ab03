import { hostname } from "node:os";
import { parseBoolean, parseDuration, parseEnv } from "@fleet/base";
import { z } from "zod";

const duration = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      try {
        return parseDuration(text);
      } catch (error) {
        context.addIssue({ code: "custom", message: (error as Error).message });
        return z.NEVER;
      }
    });
const flag = (fallback: boolean) =>
  z
    .string()
    .default(String(fallback))
    .transform((text) => parseBoolean(text) ?? fallback);
const httpUrl = z.url({ protocol: /^https?$/, error: "is not an http or https URL" });

const schema = z.object({
  /** Where users reach the deployment: the front door. */
  CODER_ACCESS_URL: httpUrl.default("http://127.0.0.1:3000"),
  /** `*.apps.example.com`: hosts of subdomain apps. Empty: path apps only. */
  CODER_WILDCARD_ACCESS_URL: z.string().default(""),
  /** Where this process serves HTTP, for the proxy. */
  CODER_HTTP_ADDRESS: z.string().default("127.0.0.1:3001"),
  /** Where this process serves gRPC, for provisionerd and the proxy. */
  CODER_GRPC_ADDRESS: z.string().default("127.0.0.1:3002"),
  CODER_PG_CONNECTION_URL: z.url({
    protocol: /^postgres(ql)?$/,
    error: ({ input }) =>
      `${input === undefined ? "is not set" : "is no URL"}: name the Postgres server, postgres://user:password@host/database`,
  }),
  CODER_PG_CONN_MAX_OPEN: z.coerce.number().int().min(2).default(10),
  CODER_REDIS_URL: z.url({
    protocol: /^rediss?$/,
    error: ({ input }) =>
      `${input === undefined ? "is not set" : "is no URL of a Redis"}: name the Redis server, redis://:password@host:6379`,
  }),
  /** How long a replica that was told to stop goes on serving, unready, until load balancers send to others. */
  CODER_DRAIN_DELAY: duration("0s"),
  /** Before every key, queue and channel in Redis. */
  CODER_REDIS_PREFIX: z.string().default("coder"),
  /** What provisioner daemons of the deployment prove themselves by. */
  CODER_PROVISIONER_DAEMON_PSK: z.string().optional(),
  /** What the front door proves itself by. */
  CODER_PROXY_SESSION_TOKEN: z.string().optional(),
  CODER_PROVISIONER_FORCE_CANCEL_INTERVAL: duration("10m"),
  /**
   * A running job without a sign of life for this long is taken from its daemon. Daemons are told of it: they stop a job
   * whose updates are not acknowledged at half of the time, and have killed it at three quarters.
   */
  CODER_JOB_LOST_AFTER: duration("60s"),
  CODER_SESSION_DURATION: duration("24h"),
  CODER_DISABLE_SESSION_EXPIRY_REFRESH: flag(false),
  CODER_DEFAULT_TOKEN_LIFETIME: duration("168h"),
  CODER_MAX_TOKEN_LIFETIME: duration("876600h"),
  CODER_DISABLE_PASSWORD_AUTH: flag(false),
  CODER_DISABLE_PATH_APPS: flag(false),
  CODER_DISABLE_OWNER_WORKSPACE_ACCESS: flag(false),
  CODER_SECURE_AUTH_COOKIE: flag(false),
  CODER_STRICT_TRANSPORT_SECURITY: z.coerce.number().int().min(0).default(0),
  CODER_SSH_KEYGEN_ALGORITHM: z.enum(["ed25519", "ecdsa", "rsa4096"]).default("ed25519"),
  CODER_SSH_HOSTNAME_PREFIX: z.string().default("coder."),
  CODER_WORKSPACE_HOSTNAME_SUFFIX: z.string().default("coder"),
  /** Requests a minute and user; below zero for no limit. */
  CODER_API_RATE_LIMIT: z.coerce.number().int().default(512),
  CODER_DANGEROUS_DISABLE_RATE_LIMITS: flag(false),
  /** When the stops that templates require happen, and whether users may choose another time. */
  CODER_QUIET_HOURS_DEFAULT_SCHEDULE: z.string().default("CRON_TZ=UTC 0 0 * * *"),
  CODER_ALLOW_CUSTOM_QUIET_HOURS: flag(true),
  CODER_HEALTH_CHECK_REFRESH: duration("10m"),
  CODER_HEALTH_CHECK_THRESHOLD_DATABASE: duration("15ms"),
  CODER_PROMETHEUS_ENABLE: flag(false),
  CODER_PROMETHEUS_ADDRESS: z.string().default("127.0.0.1:2112"),
  CODER_PROMETHEUS_COLLECT_AGENT_STATS: flag(false),
  CODER_TRACE_ENABLE: flag(false),
  CODER_VERBOSE: flag(false),
  /** The built dashboard, the agent's executables, the migrations and the starter templates. */
  CODER_SITE_DIR: z.string().optional(),
  CODER_BIN_DIR: z.string().optional(),
  CODER_MIGRATIONS_DIR: z.string().optional(),
  CODER_TEMPLATES_DIR: z.string().optional(),
  /** The pages that show the API's document to people. */
  CODER_SWAGGER_DIR: z.string().optional(),
  CODER_REPLICA_HOSTNAME: z.string().default(hostname()),
});

/** Settings that nobody is shown. */
export const SECRETS: ReadonlySet<string> = new Set<keyof Config>([
  "CODER_PG_CONNECTION_URL",
  "CODER_REDIS_URL",
  "CODER_PROVISIONER_DAEMON_PSK",
  "CODER_PROXY_SESSION_TOKEN",
]);

/** Settings that are durations, in milliseconds. */
export const DURATIONS: ReadonlySet<string> = new Set<keyof Config>([
  "CODER_DRAIN_DELAY",
  "CODER_PROVISIONER_FORCE_CANCEL_INTERVAL",
  "CODER_SESSION_DURATION",
  "CODER_DEFAULT_TOKEN_LIFETIME",
  "CODER_MAX_TOKEN_LIFETIME",
  "CODER_HEALTH_CHECK_REFRESH",
  "CODER_HEALTH_CHECK_THRESHOLD_DATABASE",
]);

export type Config = z.infer<typeof schema>;

/** The configuration from the environment. Throws one error that names every variable that is wrong. */
export function readConfig(env: Record<string, string | undefined>): Config {
  return parseEnv(schema, env);
}

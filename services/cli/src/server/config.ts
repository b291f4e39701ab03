import { homedir } from "node:os";
import { join } from "node:path";
import { FleetError, parseBoolean, parseEnv } from "@fleet/base";
import { z } from "zod";

const flag = z.string().transform((text, context) => {
  const value = parseBoolean(text);
  if (value === undefined) context.addIssue({ code: "custom", message: "has to be true or false" });
  return value ?? z.NEVER;
});

/** What the supervisor itself reads. All else in its environment goes to the services as it is. */
const schema = z.object({
  /** Where the front door listens. */
  CODER_HTTP_ADDRESS: z.string().default("127.0.0.1:3000"),
  /** Where users reach it; this machine by default. */
  CODER_ACCESS_URL: z.url({ protocol: /^https?$/, error: "has to be an http or https URL" }).optional(),
  /** Host pattern of subdomain apps. By default one that browsers take to this machine without any DNS. */
  CODER_WILDCARD_ACCESS_URL: z.string().optional(),
  /** A Postgres to use; without it, one is started. */
  CODER_PG_CONNECTION_URL: z
    .url({
      protocol: /^postgres(ql)?$/,
      error: "has to be a URL like postgres://user:password@host/database",
    })
    .optional(),
  /** A Redis to use; without it, one is started. */
  CODER_REDIS_URL: z.string().optional(),
  /** How many provisioner daemons to run. 0: none, where external ones do the work. */
  CODER_PROVISIONER_DAEMONS: z.coerce.number().int().min(0).max(32).default(2),
  /** Downloads and providers of the provisioner daemons. */
  CODER_CACHE_DIRECTORY: z.string().default(join(homedir(), ".cache", "coder")),
  CODER_PROVISIONER_DAEMON_PSK: z.string().optional(),
  CODER_PROXY_SESSION_TOKEN: z.string().optional(),
  /** Set to anything: log lines as JSON instead of for people. */
  CODER_LOGGING_JSON: z.string().optional(),
  CODER_VERBOSE: flag.default(false),
});

export type ServerConfig = {
  front: { host: string; port: number };
  accessUrl: string;
  wildcard: string;
  postgresUrl: string | undefined;
  redisUrl: string | undefined;
  daemons: number;
  cacheDirectory: string;
  psk: string | undefined;
  proxyToken: string | undefined;
  jsonLogs: boolean;
  verbose: boolean;
};

/** Reads the environment. Throws `invalid_argument` that names each variable that is wrong. */
export function readServerConfig(env: Record<string, string | undefined>): ServerConfig {
  const settings = parseEnv(schema, env);
  const front = parseAddress(settings.CODER_HTTP_ADDRESS);
  return {
    front,
    accessUrl: (settings.CODER_ACCESS_URL ?? `http://127.0.0.1:${front.port}`).replace(/\/+$/, ""),
    wildcard: settings.CODER_WILDCARD_ACCESS_URL ?? `*.localhost:${front.port}`,
    postgresUrl: settings.CODER_PG_CONNECTION_URL,
    redisUrl: settings.CODER_REDIS_URL,
    daemons: settings.CODER_PROVISIONER_DAEMONS,
    cacheDirectory: settings.CODER_CACHE_DIRECTORY,
    psk: settings.CODER_PROVISIONER_DAEMON_PSK,
    proxyToken: settings.CODER_PROXY_SESSION_TOKEN,
    jsonLogs: settings.CODER_LOGGING_JSON !== undefined,
    verbose: settings.CODER_VERBOSE,
  };
}

function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port < 1 || port > 65_535) {
    throw new FleetError(
      "invalid_argument",
      `CODER_HTTP_ADDRESS is "${text}". Write it like 127.0.0.1:3000, or 0.0.0.0:3000 for every network.`,
    );
  }
  return { host: match[1] ?? (match[2] || "0.0.0.0"), port };
}

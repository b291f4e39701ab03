import { homedir } from "node:os";
import { join } from "node:path";
import { type Address, FleetError, parseAddress } from "@fleet/base";
import {
  boolean,
  defineSettings,
  type Environment,
  integer,
  parsed,
  text,
  url,
  type ValuesOf,
} from "@fleet/base/settings";

const declared = {
  CODER_HTTP_ADDRESS: parsed({
    type: "host:port",
    parse: parseListenAddress,
    default: "127.0.0.1:3000",
    help: "Address to serve on",
  }),
  CODER_ACCESS_URL: url({
    schemes: ["http", "https"],
    defaultHelp: "this machine",
    help: "External URL of the deployment, which users and workspaces connect to",
  }),
  CODER_WILDCARD_ACCESS_URL: text({
    defaultHelp: "*.localhost",
    help: "Wildcard hostname of workspace apps, for example *.apps.example.com",
  }),
  CODER_PG_CONNECTION_URL: url({
    schemes: ["postgres", "postgresql"],
    secret: true,
    help: "Postgres server to use; one is started if unset",
  }),
  CODER_REDIS_URL: url({
    schemes: ["redis", "rediss"],
    secret: true,
    help: "Redis server to use; one is started if unset",
  }),
  CODER_PROVISIONER_DAEMONS: integer({
    min: 0,
    max: 32,
    default: "2",
    help: "Number of provisioner daemons to run; 0 if external ones do the work",
  }),
  CODER_CACHE_DIRECTORY: text({
    type: "path",
    default: join(homedir(), ".cache", "coder"),
    defaultHelp: "~/.cache/coder",
    help: "Folder for downloads and providers of the provisioner daemons",
  }),
  CODER_PROVISIONER_DAEMON_PSK: text({
    secret: true,
    help: "Pre-shared key of the provisioner daemons; generated if unset",
  }),
  CODER_PROXY_SESSION_TOKEN: text({ secret: true, help: "Token of the proxy; generated if unset" }),
  CODER_LOGGING_JSON: text({ help: "Set to any value to log JSON lines instead of human-readable ones" }),
  CODER_VERBOSE: boolean({ default: "false", help: "Log debug messages" }),
};

/** Settings of the supervisor. All other variables are passed to the services unchanged. */
export const settings = defineSettings("coder server: runs a whole deployment on this machine", declared);

export type ServerConfig = {
  front: Address;
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

/** Reads the environment. Throws `invalid_argument` that names each invalid variable. */
export function readServerConfig(env: Environment): ServerConfig {
  return configOf(settings.read(env));
}

function configOf(values: ValuesOf<typeof declared>): ServerConfig {
  const front = values.CODER_HTTP_ADDRESS;
  return {
    front,
    accessUrl: (values.CODER_ACCESS_URL ?? `http://127.0.0.1:${front.port}`).replace(/\/+$/, ""),
    wildcard: values.CODER_WILDCARD_ACCESS_URL ?? `*.localhost:${front.port}`,
    postgresUrl: values.CODER_PG_CONNECTION_URL,
    redisUrl: values.CODER_REDIS_URL,
    daemons: values.CODER_PROVISIONER_DAEMONS,
    cacheDirectory: values.CODER_CACHE_DIRECTORY,
    psk: values.CODER_PROVISIONER_DAEMON_PSK,
    proxyToken: values.CODER_PROXY_SESSION_TOKEN,
    jsonLogs: values.CODER_LOGGING_JSON !== undefined,
    verbose: values.CODER_VERBOSE,
  };
}

/** The access URL contains the port, so it must be known in advance. */
function parseListenAddress(text: string): Address {
  const front = parseAddress(text);
  if (front.port === 0) throw new FleetError("invalid_argument", "must name a port");
  return front;
}

import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { FleetError, parseBoolean, parseEnv } from "@fleet/base";
import { LOG_LEVELS } from "@fleet/telemetry";
import { z } from "zod";
import type { DaemonCredential } from "./coderd-client.js";
import type { ApiServer } from "./kubernetes/access.js";

/** Where Kubernetes puts what a pod proves itself by. */
const POD_CREDENTIALS = "/var/run/secrets/kubernetes.io/serviceaccount";

const boolean = z.string().transform((text, context) => {
  const value = parseBoolean(text);
  if (value === undefined) context.addIssue({ code: "custom", message: "must be true or false" });
  return value ?? z.NEVER;
});

const schema = z.object({
  /** host:port of coderd's gRPC port. */
  CODER_PROVISIONERD_CODERD_ADDRESS: z.string().regex(/:\d+$/, "must be host:port"),
  /** The queue's Redis, `redis://` or `rediss://`. */
  CODER_REDIS_URL: z.url({ protocol: /^rediss?$/, error: "must be a redis:// or rediss:// URL" }),
  /** First part of every key and channel of this deployment in Redis; the same as coderd's. */
  CODER_REDIS_PREFIX: z.string().default("coder"),
  /** One of the two proves who the daemon is: the deployment's pre-shared key, or a key of an organization. */
  CODER_PROVISIONER_DAEMON_PSK: z.string().optional(),
  CODER_PROVISIONER_DAEMON_KEY: z.string().optional(),
  /** Shown in lists of daemons; the machine's name by default. */
  CODER_PROVISIONER_DAEMON_NAME: z.string().max(64).default(hostname().slice(0, 64)),
  /** `key=value` pairs, separated by commas: it takes jobs whose tags are among them. */
  CODER_PROVISIONERD_TAGS: z.string().default(""),
  /** Organization whose jobs it takes, by name or id; empty for the default one. */
  CODER_ORGANIZATION: z.string().default(""),
  /** Jobs at once. */
  CODER_PROVISIONER_SLOTS: z.coerce.number().int().min(1).max(100).default(4),
  /** What runs templates: `terraform`, and `echo` for tests of a deployment without terraform. */
  CODER_PROVISIONER_TYPES: z.string().default("terraform"),
  /** Downloads, providers and work folders. */
  CODER_CACHE_DIRECTORY: z.string().default(join(homedir(), ".cache", "coder")),
  /** The terraform or tofu to use; found on PATH, or fetched, by default. */
  CODER_TERRAFORM_PATH: z.string().optional(),
  /** A terraform CLI configuration file, for mirrors and credentials of registries. */
  CODER_TERRAFORM_CLI_CONFIG: z.string().optional(),
  /** Serves Prometheus metrics. /healthz and /readyz are served in any case. */
  CODER_PROMETHEUS_ENABLE: boolean.default(false),
  /** Where metrics and health are served. */
  CODER_PROMETHEUS_ADDRESS: z.string().default("127.0.0.1:2112"),
  /** Namespaces, separated by commas, where templates make workspaces: whether they may is looked at. */
  CODER_PROVISIONERD_WORKSPACE_NAMESPACES: z.string().default(""),
  /** Where Kubernetes tells a pod that its API server is. */
  KUBERNETES_SERVICE_HOST: z.string().optional(),
  KUBERNETES_SERVICE_PORT: z.coerce.number().int().default(443),
  CODER_PROVISIONERD_LOG_LEVEL: z.enum(LOG_LEVELS).default("info"),
  /** Lines for people instead of JSON. */
  CODER_LOGGING_HUMAN: boolean.default(false),
});

export type Config = {
  coderdAddress: string;
  credential: DaemonCredential;
  redis: { url: string; prefix: string };
  name: string;
  tags: Record<string, string>;
  organization: string;
  slots: number;
  types: ("terraform" | "echo")[];
  cacheDirectory: string;
  terraformPath: string | undefined;
  cliConfig: string | undefined;
  /** Where workspaces are to be pods. */
  workspaceNamespaces: string[];
  /** Undefined outside a cluster. */
  apiServer: ApiServer | undefined;
  /** Undefined for no metrics and no health. */
  metricsAddress: string | undefined;
  log: { level: (typeof LOG_LEVELS)[number]; human: boolean };
};

/** The daemon's settings from its environment. Throws `invalid_argument` that names each one that is wrong. */
export function readConfig(env: Record<string, string | undefined>): Config {
  const settings = parseEnv(schema, env);
  return {
    coderdAddress: settings.CODER_PROVISIONERD_CODERD_ADDRESS,
    credential: credentialOf(settings.CODER_PROVISIONER_DAEMON_PSK, settings.CODER_PROVISIONER_DAEMON_KEY),
    redis: { url: settings.CODER_REDIS_URL, prefix: settings.CODER_REDIS_PREFIX },
    name: settings.CODER_PROVISIONER_DAEMON_NAME,
    tags: parseTags(settings.CODER_PROVISIONERD_TAGS),
    organization: settings.CODER_ORGANIZATION,
    slots: settings.CODER_PROVISIONER_SLOTS,
    types: parseTypes(settings.CODER_PROVISIONER_TYPES),
    cacheDirectory: settings.CODER_CACHE_DIRECTORY,
    terraformPath: settings.CODER_TERRAFORM_PATH,
    cliConfig: settings.CODER_TERRAFORM_CLI_CONFIG,
    workspaceNamespaces: listOf(settings.CODER_PROVISIONERD_WORKSPACE_NAMESPACES),
    apiServer: settings.KUBERNETES_SERVICE_HOST
      ? {
          host: settings.KUBERNETES_SERVICE_HOST,
          port: settings.KUBERNETES_SERVICE_PORT,
          credentials: POD_CREDENTIALS,
        }
      : undefined,
    metricsAddress: settings.CODER_PROMETHEUS_ENABLE ? settings.CODER_PROMETHEUS_ADDRESS : undefined,
    log: { level: settings.CODER_PROVISIONERD_LOG_LEVEL, human: settings.CODER_LOGGING_HUMAN },
  };
}

function listOf(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function credentialOf(psk: string | undefined, key: string | undefined): DaemonCredential {
  if (psk !== undefined && key === undefined) return { psk };
  if (key !== undefined && psk === undefined) return { key };
  throw new FleetError(
    "invalid_argument",
    "Set one of CODER_PROVISIONER_DAEMON_PSK and CODER_PROVISIONER_DAEMON_KEY, and not both.",
  );
}

function parseTags(text: string): Record<string, string> {
  return Object.fromEntries(
    listOf(text).map((pair) => {
      const at = pair.indexOf("=");
      if (at <= 0) {
        throw new FleetError(
          "invalid_argument",
          `CODER_PROVISIONERD_TAGS: "${pair}" is not of the form key=value.`,
        );
      }
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function parseTypes(text: string): Config["types"] {
  const types = listOf(text);
  for (const type of types) {
    if (type !== "terraform" && type !== "echo") {
      throw new FleetError(
        "invalid_argument",
        `CODER_PROVISIONER_TYPES: "${type}" is neither terraform nor echo.`,
      );
    }
  }
  return types as Config["types"];
}

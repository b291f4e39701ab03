import { accessSync, constants } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { FleetError } from "@fleet/base";
import {
  address,
  boolean,
  choice,
  defineSettings,
  duration,
  type Environment,
  integer,
  list,
  pairs,
  text,
  url,
  type ValuesOf,
} from "@fleet/base/settings";
import { serviceSettings } from "@fleet/telemetry";
import type { CacheLimits } from "./cache.js";
import type { DaemonCredential } from "./coderd-client.js";
import { ENGINE_SETTINGS } from "./engine/engine.js";
import { ISOLATION_SETTINGS } from "./isolation/isolation.js";
import type { JobLimits } from "./isolation/limits.js";
import type { ApiServer } from "./kubernetes/access.js";
import type { EngineSettings, IsolationSettings } from "./terraform/setup.js";

/** Where Kubernetes mounts a pod's credentials. */
const POD_CREDENTIALS = "/var/run/secrets/kubernetes.io/serviceaccount";
const MIB = 1024 * 1024;
/** Maximum length of a daemon's name. */
const NAME_LIMIT = 64;

const declared = {
  CODER_URL: url({
    schemes: ["http", "https"],
    help: "URL of the deployment, for a daemon outside of its network; unused if CODER_PROVISIONERD_CODERD_ADDRESS is set",
  }),
  CODER_PROVISIONERD_CODERD_ADDRESS: address({
    help: "gRPC address of coderd inside the deployment's network, for example 127.0.0.1:3002",
  }),
  CODER_REDIS_URL: url({
    schemes: ["redis", "rediss"],
    secret: true,
    help: "Redis server of the job queue, for example redis://:password@host:6379; set it with CODER_PROVISIONERD_CODERD_ADDRESS",
  }),
  CODER_REDIS_PREFIX: text({
    default: "coder",
    help: "Prefix of every key, queue and channel in Redis; must be the same for all services of a deployment",
  }),
  CODER_PROVISIONER_DAEMON_PSK: text({
    secret: true,
    help: "Pre-shared key of the deployment; set this or CODER_PROVISIONER_DAEMON_KEY",
  }),
  CODER_PROVISIONER_DAEMON_KEY: text({
    secret: true,
    help: "Key of an organization, from `coder provisioner keys create`; set this or CODER_PROVISIONER_DAEMON_PSK",
  }),
  CODER_SESSION_TOKEN: text({
    secret: true,
    help: "Session token of a user, for a daemon with CODER_URL and neither of the keys",
  }),
  CODER_HEADER: pairs({
    default: "",
    secret: true,
    help: "Additional HTTP headers of the requests to CODER_URL, for a proxy in front of the deployment",
  }),
  CODER_PROVISIONER_DAEMON_NAME: text({
    check: requireShortName,
    default: hostname().slice(0, NAME_LIMIT),
    defaultHelp: "the host's name",
    help: "Name of this provisioner daemon",
  }),
  CODER_PROVISIONERD_TAGS: pairs({
    default: "",
    help: "Tags of this daemon; it only runs jobs whose tags it all has. A key of an organization has its own tags",
  }),
  CODER_ORGANIZATION: text({
    default: "",
    help: "Name or ID of the organization whose jobs to run; if empty, that of the key, or the default organization",
  }),
  CODER_PROVISIONER_SLOTS: integer({
    min: 1,
    max: 100,
    default: "4",
    help: "Maximum number of concurrent jobs",
  }),
  CODER_PROVISIONER_EVALUATION_SLOTS: integer({
    min: 0,
    max: 100,
    default: "4",
    help: "Maximum number of concurrent evaluations of a template's parameters; 0 to leave them to other daemons",
  }),
  CODER_PROVISIONER_TYPES: list({
    values: ["terraform", "echo"],
    default: "terraform",
    help: "Provisioners to run; echo is for testing a deployment without Terraform",
  }),
  CODER_CACHE_DIRECTORY: text({
    type: "path",
    default: join(homedir(), ".cache", "coder"),
    defaultHelp: "~/.cache/coder",
    help: "Directory for downloads, providers and working directories",
  }),
  CODER_PROVISIONER_ISOLATION: choice({
    values: ISOLATION_SETTINGS,
    default: "auto",
    help: "How template code is kept from the provisioner and from other builds; auto takes the first of bubblewrap, user (as root) and none that works. Isolated builds leave no processes behind, which the template local needs",
  }),
  CODER_PROVISIONER_HIDDEN_DIRECTORIES: list({
    default: "",
    help: "Directories and files that are empty for template code in bubblewrap, besides CODER_CACHE_DIRECTORY",
  }),
  CODER_PROVISIONER_JOB_TIMEOUT: duration({
    default: "6h",
    help: "How long a job may run before it is stopped",
  }),
  CODER_PROVISIONER_JOB_DISK_MIB: integer({
    min: 16,
    default: "10240",
    help: "Maximum size in MiB of a job's folder",
  }),
  CODER_PROVISIONER_JOB_MEMORY_MIB: integer({
    min: 128,
    default: "8192",
    help: "Maximum memory in MiB of an isolated job's processes: of all together if control groups can be created, otherwise of each",
  }),
  CODER_PROVISIONER_JOB_PROCESSES: integer({
    min: 32,
    default: "4096",
    help: "Maximum number of an isolated job's processes and threads, if control groups can be created or the job has a user of its own",
  }),
  CODER_PROVISIONER_CACHE_MIB: integer({
    min: 0,
    default: "10240",
    help: "Maximum size in MiB of the providers, modules and templates kept in CODER_CACHE_DIRECTORY; the least recently used are removed",
  }),
  CODER_PROVISIONER_CACHE_MAX_AGE: duration({
    default: "720h",
    help: "Remove providers, modules and templates from the cache that were not used for this long",
  }),
  CODER_TERRAFORM_ENGINE: choice({
    values: ENGINE_SETTINGS,
    default: "auto",
    help: "Program that runs templates; auto prefers Terraform to OpenTofu",
  }),
  CODER_TERRAFORM_PATH: text({
    type: "path",
    help: "terraform or tofu executable to use; if unset, found on PATH or downloaded",
  }),
  CODER_TERRAFORM_MIRROR: url({
    schemes: ["https", "http"],
    secret: true,
    defaultHelp: "https://releases.hashicorp.com, or https://github.com for OpenTofu",
    help: "Server to download Terraform or OpenTofu from; has the same paths as the original",
  }),
  CODER_TERRAFORM_DOWNLOAD_DIRECTORY: text({
    type: "path",
    defaultHelp: "engines in CODER_CACHE_DIRECTORY",
    help: "Directory for downloaded releases of Terraform or OpenTofu; daemons can share it",
  }),
  CODER_TERRAFORM_CLI_CONFIG: text({
    type: "path",
    check: requireReadable,
    help: "Terraform CLI configuration file, for registry mirrors and credentials",
  }),
  CODER_TERRAFORM_PINNED_PROVIDER: boolean({
    default: "false",
    help: "If a template requires another version of the coder/coder provider than the built-in one, install and run that version; builds are slower, and programs that the template runs can read the owner's session token and SSH key",
  }),
  CODER_PROVISIONERD_WORKSPACE_NAMESPACES: list({
    default: "",
    help: "Kubernetes namespaces where templates create workspaces; the daemon checks its permissions in them",
  }),
  KUBERNETES_SERVICE_HOST: text({ help: "Host of the Kubernetes API server, set by Kubernetes" }),
  KUBERNETES_SERVICE_PORT: integer({
    min: 1,
    max: 65_535,
    default: "443",
    help: "Port of the Kubernetes API server, set by Kubernetes",
  }),
  ...serviceSettings,
};

export const settings = defineSettings("provisionerd: runs Terraform for a deployment", declared);

export type ProvisionerdSettings = ValuesOf<typeof declared>;

export type Config = {
  /** How to reach coderd: through the deployment's front door, or inside its network. */
  coderd:
    | { accessUrl: string; headers: Record<string, string> }
    | { address: string; redis: { url: string; prefix: string } };
  credential: DaemonCredential;
  name: string;
  tags: Record<string, string>;
  organization: string;
  slots: number;
  evaluationSlots: number;
  types: ("terraform" | "echo")[];
  cacheDirectory: string;
  cacheLimits: CacheLimits;
  terraform: EngineSettings;
  isolation: IsolationSettings;
  limits: JobLimits;
  /** Namespaces in which templates create workspaces. */
  workspaceNamespaces: string[];
  /** Undefined outside a cluster. */
  apiServer: ApiServer | undefined;
};

/** Reads the daemon's settings from its environment. Throws `invalid_argument` that names each invalid one. */
export function readConfig(env: Environment): Config {
  return configOf(settings.read(env));
}

/** Derives the configuration from the settings. Throws `invalid_argument` if settings contradict each other. */
export function configOf(values: ProvisionerdSettings): Config {
  const coderd = coderdOf(values);
  const credential = credentialOf(values, "accessUrl" in coderd);
  if ("key" in credential && Object.keys(values.CODER_PROVISIONERD_TAGS).length > 0) {
    throw new FleetError(
      "invalid_argument",
      "A provisioner key has its own tags. Unset --tag and CODER_PROVISIONERD_TAGS, or create a key with these tags.",
    );
  }
  return {
    coderd,
    credential,
    name: values.CODER_PROVISIONER_DAEMON_NAME,
    tags: values.CODER_PROVISIONERD_TAGS,
    organization: values.CODER_ORGANIZATION,
    slots: values.CODER_PROVISIONER_SLOTS,
    evaluationSlots: values.CODER_PROVISIONER_EVALUATION_SLOTS,
    types: values.CODER_PROVISIONER_TYPES,
    cacheDirectory: values.CODER_CACHE_DIRECTORY,
    cacheLimits: {
      maxBytes: values.CODER_PROVISIONER_CACHE_MIB * MIB,
      maxAgeMs: values.CODER_PROVISIONER_CACHE_MAX_AGE,
    },
    terraform: {
      engine: values.CODER_TERRAFORM_ENGINE,
      terraformPath: values.CODER_TERRAFORM_PATH,
      mirror: values.CODER_TERRAFORM_MIRROR,
      engineDirectory:
        values.CODER_TERRAFORM_DOWNLOAD_DIRECTORY ?? join(values.CODER_CACHE_DIRECTORY, "engines"),
      cliConfig: values.CODER_TERRAFORM_CLI_CONFIG,
      honorsPins: values.CODER_TERRAFORM_PINNED_PROVIDER,
    },
    isolation: {
      setting: values.CODER_PROVISIONER_ISOLATION,
      hidden: values.CODER_PROVISIONER_HIDDEN_DIRECTORIES,
    },
    limits: {
      timeoutMs: values.CODER_PROVISIONER_JOB_TIMEOUT,
      diskBytes: values.CODER_PROVISIONER_JOB_DISK_MIB * MIB,
      memoryBytes: values.CODER_PROVISIONER_JOB_MEMORY_MIB * MIB,
      processes: values.CODER_PROVISIONER_JOB_PROCESSES,
    },
    workspaceNamespaces: values.CODER_PROVISIONERD_WORKSPACE_NAMESPACES,
    apiServer: values.KUBERNETES_SERVICE_HOST
      ? {
          host: values.KUBERNETES_SERVICE_HOST,
          port: values.KUBERNETES_SERVICE_PORT,
          credentials: POD_CREDENTIALS,
        }
      : undefined,
  };
}

function requireReadable(path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch {
    throw new FleetError("invalid_argument", `the file ${path} cannot be read`);
  }
}

function requireShortName(name: string): void {
  if (name.length > NAME_LIMIT)
    throw new FleetError("invalid_argument", `must be at most ${NAME_LIMIT} characters`);
}

function coderdOf(values: ProvisionerdSettings): Config["coderd"] {
  const address = values.CODER_PROVISIONERD_CODERD_ADDRESS;
  const url = values.CODER_REDIS_URL;
  if (address !== undefined && url !== undefined)
    return { address, redis: { url, prefix: values.CODER_REDIS_PREFIX } };
  if (address !== undefined || url !== undefined) {
    throw new FleetError(
      "invalid_argument",
      "CODER_PROVISIONERD_CODERD_ADDRESS and CODER_REDIS_URL are used together. Set both, or only CODER_URL for a daemon outside of the deployment's network.",
    );
  }
  if (values.CODER_URL !== undefined) return { accessUrl: values.CODER_URL, headers: values.CODER_HEADER };
  throw new FleetError(
    "invalid_argument",
    "Set CODER_URL to the deployment's URL, or CODER_PROVISIONERD_CODERD_ADDRESS and CODER_REDIS_URL inside its network.",
  );
}

/** A session is only for daemons outside: the environment of the others may have one for the command line. */
function credentialOf(values: ProvisionerdSettings, external: boolean): DaemonCredential {
  const psk = values.CODER_PROVISIONER_DAEMON_PSK;
  const key = values.CODER_PROVISIONER_DAEMON_KEY;
  const session = values.CODER_SESSION_TOKEN;
  if (psk !== undefined && key === undefined) return { psk };
  if (key !== undefined && psk === undefined) return { key };
  if (key === undefined && session !== undefined && external) return { session };
  throw new FleetError(
    "invalid_argument",
    "Set either CODER_PROVISIONER_DAEMON_PSK or CODER_PROVISIONER_DAEMON_KEY.",
  );
}

import type { BuildTransition } from "../database/gen/enums.js";

/** The type of a resource whose agent users start on a machine of their own. */
export const EXTERNAL_AGENT = "coder_external_agent";

/** A resource that a job created or plans to create. */
export type NewResource = {
  name: string;
  type: string;
  address: string;
  modulePath: string;
  hide: boolean;
  icon: string;
  instanceType: string;
  /** Credits per day. */
  dailyCost: number;
  metadata: ResourceMetadata[];
  agents: NewAgent[];
};

export type ResourceMetadata = { key: string; value: string; sensitive: boolean; is_null: boolean };

export type NewAgent = {
  name: string;
  operatingSystem: string;
  architecture: string;
  directory: string;
  environment: Record<string, string>;
  /** How the agent authenticates. */
  auth: { token: string } | { instanceId: string } | undefined;
  connectionTimeoutSeconds: number;
  troubleshootingUrl: string;
  motdFile: string;
  displayOrder: number;
  apiKeyScope: string;
  displayApps: string[];
  monitors: NewMonitor[];
  metadata: NewAgentMetadata[];
  apps: NewApp[];
  scripts: NewScript[];
  devcontainers: NewDevcontainer[];
};

/** A dev container that an agent starts, and the agent inside it. */
export type NewDevcontainer = {
  name: string;
  workspaceFolder: string;
  configPath: string;
  agent: NewAgent;
};

/** A monitored resource: `path` is empty for memory, `threshold` a percentage. */
export type NewMonitor = { path: string; threshold: number };

export type NewAgentMetadata = {
  key: string;
  displayName: string;
  script: string;
  intervalSeconds: number;
  timeoutSeconds: number;
  displayOrder: number;
};

export type NewApp = {
  slug: string;
  displayName: string;
  icon: string;
  command: string;
  url: string;
  external: boolean;
  subdomain: boolean;
  sharingLevel: "owner" | "authenticated" | "organization" | "public";
  healthcheck: { url: string; intervalSeconds: number; threshold: number } | undefined;
  displayOrder: number;
  hidden: boolean;
  openIn: string;
  group: string;
  tooltip: string;
};

export type NewScript = {
  displayName: string;
  icon: string;
  script: string;
  cron: string;
  startBlocksLogin: boolean;
  runOnStart: boolean;
  runOnStop: boolean;
  timeoutSeconds: number;
  logPath: string;
  /** Terraform's address; empty for the scripts of the agent itself. */
  address: string;
  /** Scripts of the same agent that have to end first. */
  after: { address: string; anyOutcome: boolean }[];
};

/** The resources of one job. `workspaceId` is null if no agent will ever run: imports and dry runs. */
export type JobResources = {
  jobId: string;
  transition: BuildTransition;
  workspaceId: string | null;
  resources: readonly NewResource[];
};

import type { BuildTransition } from "../database/gen/enums.js";

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
  resourcesMonitoring: Record<string, unknown>;
  metadata: NewAgentMetadata[];
  apps: NewApp[];
  scripts: NewScript[];
};

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
};

/** The resources of one job. `workspaceId` is null if no agent will ever run: imports and dry runs. */
export type JobResources = {
  jobId: string;
  transition: BuildTransition;
  workspaceId: string | null;
  resources: readonly NewResource[];
};

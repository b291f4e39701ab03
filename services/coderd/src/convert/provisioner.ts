import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type Agent,
  type App,
  type CompleteJobRequest,
  type Devcontainer,
  type Env,
  type JobSchema,
  LogLevel,
  LogSource,
  type MetadataSchema,
  type PlanSummary,
  type PreparedVersionSchema,
  type Resource,
  type ResourcesMonitoring,
  type RichParameter,
  type Script,
  SharingLevel,
  type TemplateVariable,
  type Timing,
  Transition,
  type UpdateJobRequest,
} from "@fleet/proto-gen/provisioner";
import { pathOf } from "../builds/data-loss.js";
import type { BuildWork } from "../builds/work.js";
import type { PlanResult, PlanWork } from "../plans/work.js";
import type { JudgedPlan } from "../policies/judge.js";
import type { JobBase } from "../provisionerjobs/store.js";
import type { JobLogLevel, JobUpdate, NewJobTiming } from "../provisionerjobs/updates.js";
import type { NewAgent, NewApp, NewMonitor, NewResource, NewScript } from "../resources/types.js";
import { EXTERNAL_AGENT } from "../resources/types.js";
import type { DryRunWork, ImportResult, ImportWork } from "../templateversions/work.js";
import type { DeclaredVariable, VersionFacts } from "../templateversions/work-store.js";
import { fromInstallation, toInstallation } from "./installation.js";

type JobInit = MessageInitShape<typeof JobSchema>;
type WorkspacePlan = Extract<CompleteJobRequest["type"], { case: "workspacePlan" }>["value"];
type BuildInit = Extract<NonNullable<JobInit["type"]>, { case: "workspaceBuild" }>["value"];
type MetadataInit = MessageInitShape<typeof MetadataSchema>;
type PreparedInit = MessageInitShape<typeof PreparedVersionSchema>;

const TRANSITIONS = { start: Transition.START, stop: Transition.STOP, delete: Transition.DELETE } as const;

const LEVELS: Record<LogLevel, JobLogLevel> = {
  [LogLevel.UNSPECIFIED]: "info",
  [LogLevel.TRACE]: "trace",
  [LogLevel.DEBUG]: "debug",
  [LogLevel.INFO]: "info",
  [LogLevel.WARN]: "warn",
  [LogLevel.ERROR]: "error",
};

const SHARING_LEVELS: Record<SharingLevel, NewApp["sharingLevel"]> = {
  [SharingLevel.UNSPECIFIED]: "owner",
  [SharingLevel.OWNER]: "owner",
  [SharingLevel.AUTHENTICATED]: "authenticated",
  [SharingLevel.ORGANIZATION]: "organization",
  [SharingLevel.PUBLIC]: "public",
};

/** Fields common to every job on the wire. */
export function toJob(job: JobBase, type: JobInit["type"]): JobInit {
  return {
    id: job.id,
    createdAt: timestampFromDate(job.createdAt),
    provisioner: job.provisioner,
    source: { fileId: job.fileId, sha256: job.fileHash, mimetype: job.mimetype },
    traceContext: job.traceContext,
    type,
  };
}

export function toBuildJob(work: BuildWork, accessUrl: string): JobInit["type"] {
  return { case: "workspaceBuild", value: toBuildMessage(work, accessUrl) };
}

export function toPlanJob({ build, skipRefresh }: PlanWork, accessUrl: string): JobInit["type"] {
  return { case: "workspacePlan", value: { build: toBuildMessage(build, accessUrl), skipRefresh } };
}

function toBuildMessage({ facts, secrets, wantsPlan }: BuildWork, accessUrl: string): BuildInit {
  const metadata: MetadataInit = {
    coderUrl: accessUrl,
    transition: TRANSITIONS[facts.transition],
    workspaceId: facts.workspaceId,
    workspaceName: facts.workspaceName,
    workspaceBuildId: facts.buildId,
    templateId: facts.templateId,
    templateName: facts.templateName,
    templateVersion: facts.versionName,
    isPrebuild: facts.isPrebuild,
    isPrebuildClaim: facts.isPrebuildClaim,
    ownerId: facts.ownerId,
    ownerName: facts.ownerName,
    ownerFullName: facts.ownerFullName,
    ownerEmail: facts.ownerEmail,
    ownerGroups: facts.ownerGroups,
    ownerLoginType: facts.ownerLoginType,
    ownerRbacRoles: ownerRoles(facts),
    ownerSessionToken: secrets.sessionToken,
    ownerOidcAccessToken: secrets.oidcAccessToken,
    ownerSshPublicKey: secrets.sshKey.publicKey,
    ownerSshPrivateKey: secrets.sshKey.privateKey,
  };
  return {
    workspaceBuildId: facts.buildId,
    metadata,
    richParameterValues: facts.parameters ?? [],
    previousParameterValues: facts.previousParameters ?? [],
    variableValues: facts.variables ?? [],
    externalAuthTokens: secrets.externalAuth,
    userSecrets: secrets.userSecrets,
    state: facts.state ?? new Uint8Array(),
    logLevel: facts.logLevel,
    prepared: toPrepared(facts),
    wantsPlan,
  };
}

/** What a plan changes, for those who judge it. */
export function fromPlan({ changes, truncated, drift }: PlanSummary): JudgedPlan {
  return {
    truncated,
    changes: changes.map((change) => ({
      address: change.address,
      moduleAddress: change.moduleAddress,
      previousAddress: change.previousAddress,
      mode: change.mode,
      type: change.type,
      name: change.name,
      provider: change.provider,
      actions: change.actions,
      reasons: pathsOf(change.replacePaths),
      before: change.before,
      after: change.after,
      unknown: pathsOf(change.unknownPaths),
      sensitive: pathsOf(change.sensitivePaths),
    })),
    drift: drift.map(({ address, type, deleted }) => ({ address, type, deleted })),
  };
}

const pathsOf = (paths: readonly string[]) => paths.map(pathOf).filter((path) => path !== "");

export function fromPlanResult(message: WorkspacePlan): PlanResult {
  const { plan, dailyCost } = message;
  return { plan: plan ? fromPlan(plan) : { changes: [], truncated: false, drift: [] }, dailyCost };
}

/** Roles that every user and every member of an organization has are not stored. */
export function ownerRoles({
  ownerSiteRoles,
  ownerOrgRoles,
}: Pick<BuildWork["facts"], "ownerSiteRoles" | "ownerOrgRoles">) {
  return [
    ...["member", ...ownerSiteRoles].map((name) => ({ name, organizationId: "" })),
    ...(ownerOrgRoles ?? []).flatMap(({ organization_id: organizationId, roles }) =>
      ["organization-member", ...roles].map((name) => ({ name, organizationId })),
    ),
  ];
}

export function toImportJob({ facts, variables }: ImportWork, accessUrl: string): JobInit["type"] {
  return {
    case: "templateImport",
    value: { metadata: toVersionMetadata(facts, accessUrl, ""), userVariableValues: variables },
  };
}

export function toDryRunJob({ facts, ...work }: DryRunWork, accessUrl: string): JobInit["type"] {
  return {
    case: "templateDryRun",
    value: {
      metadata: toVersionMetadata(facts, accessUrl, work.workspaceName),
      richParameterValues: work.parameters,
      variableValues: work.variables,
      prepared: toPrepared(facts),
      mockProviders: work.mockProviders,
      wantsPlan: work.wantsPlan,
    },
  };
}

function toPrepared(
  facts: Pick<VersionFacts, "graph" | "providerLock" | "skipInit" | "installation">,
): PreparedInit {
  return {
    graph: facts.graph,
    providerLock: facts.providerLock ?? new Uint8Array(),
    skipInit: facts.skipInit,
    ...(facts.installation && { installation: toInstallation(facts.installation) }),
  };
}

function toVersionMetadata(facts: VersionFacts, accessUrl: string, workspaceName: string): MetadataInit {
  return {
    coderUrl: accessUrl,
    transition: Transition.START,
    workspaceName,
    templateId: facts.templateId ?? "",
    templateName: facts.templateName ?? "",
    templateVersion: facts.versionName,
    ownerId: facts.ownerId,
    ownerName: facts.ownerName,
    ownerFullName: facts.ownerFullName,
    ownerEmail: facts.ownerEmail,
    ownerLoginType: facts.ownerLoginType,
  };
}

export function fromUpdate(message: UpdateJobRequest): JobUpdate {
  return {
    jobId: message.jobId,
    daemonId: message.daemonId,
    sequence: message.sequence,
    logs: message.logs.map((log) => ({
      created_at: log.createdAt ? timestampDate(log.createdAt) : new Date(0),
      source: log.source === LogSource.PROVISIONER_DAEMON ? "provisioner_daemon" : "provisioner",
      level: LEVELS[log.level] ?? "info",
      stage: log.stage,
      output: log.output,
    })),
    timings: message.timings.flatMap(fromTiming),
  };
}

/** A timing without an end is dropped. */
export function fromTiming(timing: Timing): NewJobTiming[] {
  const { startedAt, endedAt, stage, source, action, resource } = timing;
  if (!startedAt || !endedAt) return [];
  return [
    {
      started_at: timestampDate(startedAt),
      ended_at: timestampDate(endedAt),
      stage,
      source,
      action,
      resource,
    },
  ];
}

export function fromVariable({
  name,
  description,
  type,
  defaultValue,
  required,
  sensitive,
}: TemplateVariable): DeclaredVariable {
  return { name, description, type, defaultValue, required, sensitive };
}

type TemplateImport = Extract<CompleteJobRequest["type"], { case: "templateImport" }>["value"];

export function fromImport(message: TemplateImport): ImportResult {
  return {
    startResources: message.startResources.map(fromResource),
    stopResources: message.stopResources.map(fromResource),
    parameters: message.richParameters.map(fromParameter),
    presets: message.presets.map((preset) => ({
      name: preset.name,
      description: preset.description,
      icon: preset.icon,
      isDefault: preset.isDefault,
      parameters: preset.parameters,
      prebuildInstances: preset.prebuildInstances,
      prebuildTtlSeconds: Number(preset.prebuildTtlSeconds),
      prebuildTimezone: preset.prebuildTimezone,
      prebuildSchedules: preset.prebuildSchedules.map(({ cron, instances }) => ({ cron, instances })),
    })),
    externalAuthProviders: message.externalAuthProviders.map(({ id, optional }) => ({ id, optional })),
    variables: message.templateVariables.map(fromVariable),
    workspaceTags: message.workspaceTags,
    readme: message.readme,
    graph: message.prepared?.graph ?? "",
    providerLock: message.prepared?.providerLock ?? new Uint8Array(),
    skipInit: message.prepared?.skipInit ?? false,
    installation: message.prepared?.installation ? fromInstallation(message.prepared.installation) : null,
    ownerSession: !message.prepared?.noOwnerSession,
    dynamicParameters: message.prepared?.dynamicParameters ?? false,
    hasExternalAgent: message.startResources.some(({ type }) => type === EXTERNAL_AGENT),
  };
}

export function fromParameter(parameter: RichParameter): ImportResult["parameters"][number] {
  const { validation } = parameter;
  return {
    name: parameter.name,
    displayName: parameter.displayName,
    description: parameter.description,
    type: parameter.type,
    formType: parameter.formType,
    styling: parameter.styling,
    mutable: parameter.mutable,
    ephemeral: parameter.ephemeral,
    required: parameter.required,
    defaultValue: parameter.defaultValue,
    icon: parameter.icon,
    displayOrder: toInt(parameter.order),
    options: parameter.options.map(({ name, description, value, icon }) => ({
      name,
      description,
      value,
      icon,
    })),
    validationRegex: validation?.regex ?? "",
    validationError: validation?.error ?? "",
    validationMin: validation?.min === undefined ? null : toInt(validation.min),
    validationMax: validation?.max === undefined ? null : toInt(validation.max),
    validationMonotonic: validation?.monotonic ?? "",
  };
}

export function fromResource(resource: Resource): NewResource {
  return {
    name: resource.name,
    type: resource.type,
    address: resource.address,
    modulePath: resource.modulePath,
    hide: resource.hide,
    icon: resource.icon,
    instanceType: resource.instanceType,
    dailyCost: resource.dailyCost,
    metadata: resource.metadata.map(({ key, value, sensitive, isNull }) => ({
      key,
      value,
      sensitive,
      is_null: isNull,
    })),
    agents: resource.agents.map(fromAgent),
  };
}

function fromAgent(agent: Agent): NewAgent {
  const { auth, displayApps } = agent;
  const apps: [string, boolean][] = [
    ["vscode", displayApps?.vscode ?? true],
    ["vscode_insiders", displayApps?.vscodeInsiders ?? false],
    ["web_terminal", displayApps?.webTerminal ?? true],
    ["ssh_helper", displayApps?.sshHelper ?? true],
    ["port_forwarding_helper", displayApps?.portForwardingHelper ?? true],
  ];
  return {
    name: agent.name,
    operatingSystem: agent.operatingSystem,
    architecture: agent.architecture,
    directory: agent.directory,
    environment: mergeEnvironment(agent.environment, agent.extraEnvs),
    auth:
      auth.case === "token" && auth.value !== ""
        ? { token: auth.value }
        : auth.case === "instanceId"
          ? { instanceId: auth.value }
          : undefined,
    connectionTimeoutSeconds: agent.connectionTimeoutSeconds,
    troubleshootingUrl: agent.troubleshootingUrl,
    motdFile: agent.motdFile,
    displayOrder: toInt(agent.order),
    apiKeyScope: agent.apiKeyScope || "all",
    displayApps: apps.filter(([, shown]) => shown).map(([name]) => name),
    monitors: monitorsOf(agent.resourcesMonitoring),
    metadata: agent.metadata.map((item) => ({
      key: item.key,
      displayName: item.displayName,
      script: item.script,
      intervalSeconds: Number(item.intervalSeconds),
      timeoutSeconds: Number(item.timeoutSeconds),
      displayOrder: toInt(item.order),
    })),
    apps: agent.apps.map(fromApp),
    scripts: agent.scripts.map(fromScript),
    devcontainers: agent.devcontainers.map((devcontainer) => ({
      name: devcontainer.name,
      workspaceFolder: devcontainer.workspaceFolder,
      configPath: devcontainer.configPath,
      agent: subagentOf(devcontainer, agent),
    })),
  };
}

/** The agent inside a dev container. It waits for its container as long as that takes. */
function subagentOf(devcontainer: Devcontainer, parent: Agent): NewAgent {
  return {
    name: devcontainer.agentName,
    operatingSystem: "linux",
    architecture: parent.architecture,
    directory: devcontainer.workspaceFolder,
    environment: mergeEnvironment({}, devcontainer.extraEnvs),
    auth: undefined,
    connectionTimeoutSeconds: 0,
    troubleshootingUrl: parent.troubleshootingUrl,
    motdFile: "",
    displayOrder: toInt(parent.order),
    apiKeyScope: parent.apiKeyScope || "all",
    displayApps: ["vscode", "web_terminal", "ssh_helper", "port_forwarding_helper"],
    monitors: [],
    metadata: [],
    apps: devcontainer.apps.map(fromApp),
    scripts: devcontainer.scripts.map(fromScript),
    devcontainers: [],
  };
}

function fromScript(script: Script): NewScript {
  return {
    displayName: script.displayName,
    icon: script.icon,
    script: script.script,
    cron: script.cron,
    startBlocksLogin: script.startBlocksLogin,
    runOnStart: script.runOnStart,
    runOnStop: script.runOnStop,
    timeoutSeconds: script.timeoutSeconds,
    logPath: script.logPath,
    address: script.address,
    after: script.after.map(({ address, anyOutcome }) => ({ address, anyOutcome })),
  };
}

/** Those that are enabled; of several for one path, the first. */
function monitorsOf(monitoring: ResourcesMonitoring | undefined): NewMonitor[] {
  const { memory, volumes = [] } = monitoring ?? {};
  const enabled = [...(memory ? [{ ...memory, path: "" }] : []), ...volumes].filter((one) => one.enabled);
  const byPath = new Map(enabled.reverse().map(({ path, threshold }) => [path, { path, threshold }]));
  return [...byPath.values()];
}

/** coder_env resources in order: `append` and `prepend` join with a colon, as in PATH. */
function mergeEnvironment(
  environment: Record<string, string>,
  extra: readonly Env[],
): Record<string, string> {
  const merged: Record<string, string> = { ...environment };
  for (const { name, value, mergeStrategy } of extra) {
    const before = Object.hasOwn(merged, name) ? merged[name] : undefined;
    if (before && mergeStrategy === "append") merged[name] = `${before}:${value}`;
    else if (before && mergeStrategy === "prepend") merged[name] = `${value}:${before}`;
    else merged[name] = value;
  }
  return merged;
}

function fromApp(app: App): NewApp {
  const { healthcheck } = app;
  return {
    slug: app.slug,
    displayName: app.displayName || app.slug,
    icon: app.icon,
    command: app.command,
    url: app.url,
    external: app.external,
    subdomain: app.subdomain,
    sharingLevel: SHARING_LEVELS[app.sharingLevel] ?? "owner",
    healthcheck: healthcheck?.url
      ? {
          url: healthcheck.url,
          intervalSeconds: healthcheck.intervalSeconds,
          threshold: healthcheck.threshold,
        }
      : undefined,
    displayOrder: toInt(app.order),
    hidden: app.hidden,
    openIn: app.openIn || "slim-window",
    group: app.group,
    tooltip: app.tooltip,
  };
}

const INT_LIMIT = 2 ** 31 - 1;

/** Clamps to a 32-bit column: a template may send any number. */
function toInt(value: bigint): number {
  return Math.max(-INT_LIMIT, Math.min(INT_LIMIT, Number(value)));
}

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { GetManifestResponseSchema } from "@fleet/proto-gen/agent";
import { MONITORING } from "../agents/monitoring.js";
import type { AgentIdentity, AgentManifestRow } from "../agents/store.js";
import { sshKeyPair } from "../auth/sshkeys.js";

export type ManifestFacts = {
  accessUrl: string;
  /** `*.apps.example.com`, or empty. */
  wildcardHostname: string;
  hostKeySeed: Buffer;
  /** External auth providers that the workspace may ask for credentials. */
  externalAuthCount: number;
  /** Whether to look for unpushed work in git repositories. */
  checkUnpushedWork: boolean;
  /** The owner's secrets. */
  userSecrets: { envName: string; filePath: string; value: string }[];
};

type DevcontainerRow = Record<"name" | "workspace_folder" | "config_path" | "subagent_id", string>;
type ScriptDependencyRow = { script_id: string; any_outcome: boolean };

export function toManifest(
  agent: AgentIdentity,
  row: AgentManifestRow,
  facts: ManifestFacts,
): MessageInitShape<typeof GetManifestResponseSchema> {
  return {
    agentId: agent.agentId,
    agentName: agent.agentName,
    workspaceId: agent.workspaceId,
    workspaceName: agent.workspaceName,
    ownerName: agent.ownerName,
    environmentVariables: row.environment as Record<string, string>,
    directory: row.directory,
    motdFile: row.motdFile,
    vscodePortProxyUri: portProxyUri(agent, facts),
    parentId: row.parentId ?? "",
    devcontainers: (row.devcontainers as DevcontainerRow[]).map((devcontainer) => ({
      name: devcontainer.name,
      workspaceFolder: devcontainer.workspace_folder,
      configPath: devcontainer.config_path,
      subagentId: devcontainer.subagent_id,
    })),
    scripts: row.scripts.map(({ after, ...script }) => ({
      ...script,
      after: (after as ScriptDependencyRow[]).map((one) => ({
        scriptId: one.script_id,
        anyOutcome: one.any_outcome,
      })),
    })),
    apps: row.apps.map((app) => ({
      id: app.id,
      slug: app.slug,
      url: app.url,
      command: app.command,
      healthcheckUrl: app.healthcheckUrl,
      healthcheckIntervalSeconds: app.healthcheckInterval,
      healthcheckThreshold: app.healthcheckThreshold,
    })),
    metadata: row.metadata.map((item) => ({
      key: item.key,
      displayName: item.displayName,
      script: item.script,
      intervalSeconds: item.intervalSeconds,
      timeoutSeconds: item.timeoutSeconds,
    })),
    sshHostKey: sshKeyPair(facts.hostKeySeed).privateKey,
    accessUrl: facts.accessUrl,
    resourcesMonitoring: toMonitoring(row),
    externalAuthCount: facts.externalAuthCount,
    userSecrets: facts.userSecrets,
    checkUnpushedWork: facts.checkUnpushedWork,
  };
}

function toMonitoring({ monitors }: AgentManifestRow) {
  if (monitors.length === 0) return undefined;
  return {
    memory: monitors.some(({ path }) => path === ""),
    volumes: monitors.map(({ path }) => path).filter((path) => path !== ""),
    ...MONITORING,
  };
}

/** URL template for the workspace's ports, where the editor substitutes `{{port}}`. */
function portProxyUri(agent: AgentIdentity, { accessUrl, wildcardHostname }: ManifestFacts): string {
  if (!wildcardHostname) return "";
  const { protocol } = new URL(accessUrl);
  const label = `{{port}}--${agent.agentName}--${agent.workspaceName}--${agent.ownerName}`;
  return `${protocol}//${wildcardHostname.replace("*", label)}`;
}

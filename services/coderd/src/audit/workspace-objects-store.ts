import { isUuid } from "@fleet/base";
import type { Database } from "../database/client.js";
import type { Loaders } from "./objects.js";

type Kind =
  | "template"
  | "template_rollout"
  | "template_version"
  | "workspace"
  | "workspace_build"
  | "port_share";

/** Loaders for workspaces and their templates. */
export function createWorkspaceLoaders(db: Database): Loaders<Kind> {
  return {
    async template({ id }) {
      const row = isUuid(id) ? await db.template.findUnique({ where: { id } }) : null;
      if (!row) return undefined;
      const { name, icon, organizationId, createdBy, createdAt, updatedAt, ...rest } = row;
      const fields = Object.fromEntries(
        Object.entries({ name, icon, ...rest }).map(([k, v]) => [snake(k), v]),
      );
      return { id, target: name, icon, organizationId, fields };
    },
    async template_rollout({ id }) {
      const row = isUuid(id)
        ? await db.templateRollout.findUnique({ where: { id }, include: { template: true, version: true } })
        : null;
      if (!row) return undefined;
      const { template, version, status, reason, steps, step } = row;
      const fields = {
        template_version_id: version.id,
        former_version_id: row.formerVersionId,
        status,
        reason,
        steps,
        step,
        pause_ms: row.pauseMs,
        max_failure_percent: row.maxFailurePercent,
        min_samples: row.minSamples,
        ended_at: row.endedAt,
      };
      const target = `${template.name}@${version.name}`;
      return { id, target, icon: template.icon, organizationId: template.organizationId, fields };
    },
    async template_version({ id }) {
      const row = isUuid(id)
        ? await db.templateVersion.findUnique({ where: { id }, include: { job: true } })
        : null;
      if (!row) return undefined;
      const { name, message, templateId, archived, organizationId, job } = row;
      const fields = { name, message, template_id: templateId, archived, canceled_at: job.canceledAt };
      return { id, target: name, organizationId, fields };
    },
    async workspace({ id }) {
      const row = isUuid(id)
        ? await db.workspace.findUnique({ where: { id }, include: { owner: true, latestBuild: true } })
        : null;
      if (!row) return undefined;
      const fields = {
        name: row.name,
        owner_id: row.ownerId,
        template_id: row.templateId,
        autostart_schedule: row.autostartSchedule,
        ttl_ms: row.ttlMs,
        deadline: row.latestBuild?.deadline,
        automatic_updates: row.automaticUpdates,
        user_acl: row.userAcl,
        group_acl: row.groupAcl,
        dormant_at: row.dormantAt,
        deleting_at: row.deletingAt,
        deleted: row.deleted,
      };
      return { id, target: row.name, organizationId: row.organizationId, fields, facts: factsOf(row) };
    },
    async workspace_build({ id }) {
      const row = isUuid(id)
        ? await db.workspaceBuild.findUnique({
            where: { id },
            include: {
              workspace: { include: { owner: true } },
              job: true,
              state: { select: { updatedAt: true } },
            },
          })
        : null;
      if (!row) return undefined;
      const { workspace, transition, reason, deadline } = row;
      const fields = {
        build_number: row.buildNumber,
        transition,
        template_version_id: row.templateVersionId,
        reason,
        deadline,
        canceled_at: row.job.canceledAt,
        state: row.state?.updatedAt,
      };
      const facts = {
        ...factsOf(workspace),
        build_number: String(row.buildNumber),
        build_reason: reason,
      };
      return { id, target: workspace.name, organizationId: workspace.organizationId, fields, facts };
    },
    async port_share({ id, within = "" }) {
      const [port = "", ...agent] = id.split(":");
      const row = isUuid(within)
        ? await db.workspacePortShare.findFirst({
            where: { workspaceId: within, agentName: agent.join(":"), port: Number(port) },
            include: { workspace: { include: { owner: true } } },
          })
        : null;
      if (!row) return undefined;
      const { workspace, agentName, shareLevel, protocol } = row;
      return {
        id: workspace.id,
        target: `${workspace.name}:${row.port}`,
        organizationId: workspace.organizationId,
        fields: { agent_name: agentName, port: row.port, share_level: shareLevel, protocol },
        facts: factsOf(workspace),
      };
    },
  };
}

function factsOf(workspace: { id: string; name: string; owner: { username: string } }) {
  return {
    workspace_id: workspace.id,
    workspace_name: workspace.name,
    workspace_owner: workspace.owner.username,
  };
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

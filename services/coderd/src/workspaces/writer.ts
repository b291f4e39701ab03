import { type Clock, FleetError } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { accessOf } from "../auth/template-access.js";
import type { PlanAhead } from "../builds/ahead.js";
import type { BuildEvents } from "../builds/events.js";
import type { Builds, CreateBuild } from "../builds/service.js";
import type { BuildRequest, LockedScope } from "../builds/writer.js";
import type { Transaction } from "../database/transaction.js";
import type { RolloutStore } from "../rollouts/store.js";
import { TemplateNotFound } from "../templates/errors.js";
import { UserNotFound } from "../users/errors.js";
import { nameViolation } from "../users/service.js";
import type { ClaimPrebuild } from "./claim.js";
import { BadWorkspace } from "./errors.js";
import { autostartOf, checkTtl } from "./settings.js";
import type { WorkspaceStore } from "./store.js";

export type CreateWorkspace = {
  /** A user's id or name. */
  owner: string;
  /** Set if the path contains it. */
  organizationId?: string | undefined;
  templateId?: string | undefined;
  versionId?: string | undefined;
  name: string;
  autostartSchedule?: string | undefined;
  ttlMs?: number | undefined;
  automaticUpdates: "always" | "never";
  build: Pick<CreateBuild, "parameters" | "presetId" | "traceContext" | "idempotency">;
};

/**
 * Creates a workspace with its first build and returns its id.
 * @throws BadWorkspace, TemplateNotFound or UserNotFound if the actor may not use what the request refers to.
 */
export type WorkspaceWriter = (actor: Actor, request: CreateWorkspace) => Promise<string>;

export function createWorkspaceWriter({
  store,
  builds,
  ahead,
  newWorkspace,
  events,
  claim,
  clock,
}: {
  store: WorkspaceStore;
  builds: Pick<Builds, "inWorkspace">;
  ahead: Pick<PlanAhead, "created">;
  newWorkspace: RolloutStore["newWorkspace"];
  events: Pick<BuildEvents, "created">;
  claim: ClaimPrebuild;
  clock: Clock;
}): WorkspaceWriter {
  /** The template, given directly or by one of its versions; exactly one must be set. */
  async function templateOf(actor: Actor, request: CreateWorkspace) {
    const { templateId, versionId } = request;
    if ((templateId === undefined) === (versionId === undefined)) {
      throw new BadWorkspace("template_id", "Set either template_id or template_version_id, not both.");
    }
    const field = versionId ? "template_version_id" : "template_id";
    const id = templateId ?? (await store.versionTemplate(versionId!))?.templateId;
    const template = id ? await store.template(id) : null;
    if (!template || (request.organizationId && template.organizationId !== request.organizationId)) {
      throw new TemplateNotFound(field);
    }
    authorizer.require(actor, "use", accessOf(template), new TemplateNotFound(field));
    if (template.deprecationMessage) {
      throw new BadWorkspace(field, `This template is deprecated: ${template.deprecationMessage}`);
    }
    return template;
  }

  return async (actor, request) => {
    const { userId } = requireUser(actor);
    const violation = nameViolation(request.name, "name");
    if (violation) throw new BadWorkspace("name", violation.detail);
    const template = await templateOf(actor, request);
    const { organizationId } = template;
    // Looked up after the template, so that who may not use it learns nothing of users.
    const owner = await store.owner(request.owner);
    if (!owner || owner.isSystem) throw new UserNotFound();
    authorizer.require(
      actor,
      "create",
      { type: "workspace", ownerId: owner.id, orgId: organizationId },
      // Do not reveal the owner's existence to actors who may not read them.
      authorizer.can(actor, "read", { type: "user", id: owner.id, ownerId: owner.id })
        ? new FleetError(
            "permission_denied",
            "You do not have permission to create workspaces for this user in this organization.",
          )
        : new UserNotFound(),
    );
    if (!owner.memberships.some((membership) => membership.organizationId === organizationId)) {
      throw new BadWorkspace("template_id", "The owner is not a member of the template's organization.");
    }
    if (request.autostartSchedule && !template.allowUserAutostart) {
      throw new BadWorkspace("autostart_schedule", "The template does not allow users to set autostart.");
    }
    if (request.ttlMs && !template.allowUserAutostop && request.ttlMs !== Number(template.defaultTtlMs)) {
      throw new BadWorkspace("ttl_ms", "The template does not allow users to set autostop.");
    }
    const ttlMs = checkTtl(request.ttlMs);
    const now = clock.now();
    const { id, activeVersionId } = await newWorkspace(template, request.versionId);
    const isAdmin = authorizer.can(actor, "update", accessOf(template));
    const settings = {
      name: request.name,
      ttlMs: ttlMs ?? (Number(template.defaultTtlMs) || null),
      automaticUpdates: request.automaticUpdates,
      ...autostartOf(request.autostartSchedule, template.autostartRequirementDays, now, "autostart_schedule"),
    };
    const whose = { ownerId: owner.id, organizationId, templateId: template.id };
    const insert = (tx: Transaction) => store.insert(tx, { id, ...whose, ...settings, createdAt: now });
    const versionId = request.versionId ?? activeVersionId;
    const start = { ...request.build, transition: "start", versionId } as const;
    const { automaticUpdates, name } = request;
    const { requireActiveVersion } = template;
    const planned = { name, ...whose, activeVersionId, requireActiveVersion, automaticUpdates };
    const begin =
      (build: BuildRequest) =>
      async ({ tx, workspace, write }: LockedScope) => {
        const buildId = await write(userId, build, isAdmin);
        if (userId !== owner.id) await events.created(tx, buildId);
        return workspace.id;
      };

    const change = { ...settings, ownerId: owner.id, lastUsedAt: now };
    const byVersion = request.versionId !== undefined;
    const claimed = await claim({ workspace: planned, change, start, byVersion, begin });
    if (claimed) return claimed;
    await ahead.created({ id, ...planned }, start);
    return builds.inWorkspace(id, begin(start), insert);
  };
}

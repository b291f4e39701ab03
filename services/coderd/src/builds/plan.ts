import type { ParameterValue } from "@fleet/parameters";
import { PREBUILDS_USER_ID } from "../auth/system-users.js";
import type { BuildTransition } from "../database/gen/enums.js";
import type { Transaction } from "../database/transaction.js";
import type { Evaluated } from "../evaluations/needed.js";
import type { ExternalAuth } from "../externalauth/service.js";
import { resolveParameters } from "../parameters/parameters.js";
import { completeTags, type Tags } from "../provisionerjobs/tags.js";
import { definitionOf, type VersionStore } from "../templateversions/store.js";
import { PresetNotUsable, VersionNotUsable, WorkspaceIsDeleted, WorkspaceIsDormant } from "./errors.js";
import type { BuildStore, BuildVersion, LockedWorkspace } from "./store.js";
import { lastValues, startValues } from "./values.js";

/** The parts of a build request that determine its version and parameter values. */
export type PlanRequest = {
  transition: BuildTransition;
  versionId?: string | undefined;
  presetId?: string | undefined;
  parameters: readonly ParameterValue[];
  /** The build may lose data. */
  acceptsDataLoss?: boolean | undefined;
  /** What the build is in a prebuild's life, if it has one. A claim gets its values as a new workspace would. */
  prebuild?: PrebuildStage | undefined;
};

/** Builds of a workspace that was built in advance: without an owner yet, or handing it to its owner. */
export type PrebuildStage = "create" | "claim";

/** The version and parameter values of a build, and the tags of the provisioners that can run it. */
export type BuildPlan = { version: BuildVersion; parameters: ParameterValue[]; tags: Tags };

/**
 * Checks everything about a build that can be checked before it runs: whether the workspace may have it, its version,
 * policy and values. A build is created from the result; a restart checks its start with it before stopping anything.
 * Throws EvaluationNeeded, to be called again with the evaluation.
 */
export type BuildPlanner = (
  tx: Transaction,
  workspace: LockedWorkspace,
  request: PlanRequest,
  mayChooseVersion: boolean,
  evaluated: Evaluated,
) => Promise<BuildPlan>;

export function createBuildPlanner({
  store,
  versions,
  externalAuth,
}: {
  store: BuildStore;
  versions: VersionStore;
  externalAuth: Pick<ExternalAuth, "requireLinks">;
}): BuildPlanner {
  /**
   * The version to build: the requested one, or the active one where policy requires it or the last build's was withdrawn,
   * or the last build's.
   */
  async function versionFor(
    tx: Transaction,
    workspace: LockedWorkspace,
    request: PlanRequest,
    mayChoose: boolean,
  ): Promise<BuildVersion> {
    const starts = request.transition === "start";
    const mustFollow = starts && workspace.requireActiveVersion && !mayChoose;
    if (mustFollow && request.versionId && request.versionId !== workspace.activeVersionId) {
      throw new VersionNotUsable("The template requires its active version.");
    }
    const follows =
      mustFollow || (starts && (workspace.automaticUpdates === "always" || workspace.latestWithdrawn));
    const id =
      request.versionId ??
      (follows ? workspace.activeVersionId : (workspace.latestVersionId ?? workspace.activeVersionId));
    const version = await store.version(tx, id);
    if (!version || version.templateId !== workspace.templateId) {
      throw new VersionNotUsable("The version does not belong to the workspace's template.");
    }
    if (!version.completedAt)
      throw new VersionNotUsable("The version is still being imported. Wait for its job to finish.");
    if (version.error && starts)
      throw new VersionNotUsable("The version failed to import. Choose another version.");
    if (version.archived && starts && request.versionId) {
      throw new VersionNotUsable("The version is archived. Choose another version, or unarchive it.");
    }
    return version;
  }

  async function presetOf(tx: Transaction, presetId: string | undefined, versionId: string) {
    if (!presetId) return undefined;
    const preset = await versions.preset(presetId, tx);
    if (preset?.templateVersionId !== versionId) throw new PresetNotUsable();
    return { name: preset.name, parameters: preset.parameters as Record<string, string> };
  }

  return async (tx, workspace, request, mayChooseVersion, evaluated) => {
    const { transition } = request;
    if (workspace.deleted) throw new WorkspaceIsDeleted();
    if (workspace.dormantAt && transition === "start") throw new WorkspaceIsDormant();
    const version = await versionFor(tx, workspace, request, mayChooseVersion);
    if (transition === "start" && workspace.ownerId !== PREBUILDS_USER_ID)
      await externalAuth.requireLinks(tx, workspace.ownerId, version.externalAuth);
    const imported = await versions.parameters(version.id, tx);
    const preset = await presetOf(tx, request.presetId, version.id);
    const given = request.parameters;
    const previous =
      workspace.latestBuildId && request.prebuild !== "claim"
        ? await store.parameters(workspace.latestBuildId, tx)
        : [];
    const tagsWith = (workspaceTags: Tags) =>
      completeTags({ ...(version.tags as Tags), ...workspaceTags }, workspace.ownerId);
    if (!version.dynamic) {
      const parameters = resolveParameters({
        definitions: imported.map(definitionOf),
        transition,
        given,
        preset: preset?.parameters,
        previous,
      });
      return { version, parameters, tags: tagsWith(version.workspaceTags ?? {}) };
    }
    if (transition !== "start") {
      const ranHere = workspace.latestVersionId === version.id && workspace.latestTags;
      const tags = ranHere ? (workspace.latestTags as Tags) : tagsWith(version.workspaceTags ?? {});
      return { version, parameters: lastValues({ given, previous, imported }), tags };
    }
    const { id, name, ownerId } = workspace;
    const { parameters, workspaceTags } = startValues(
      { versionId: version.id, ownerId, workspace: { id, name }, given, preset, previous },
      evaluated,
    );
    return { version, parameters, tags: tagsWith(workspaceTags) };
  };
}

import type { ParameterValue } from "@fleet/parameters";
import type { PlanAhead } from "../builds/ahead.js";
import type { Builds } from "../builds/service.js";
import type { BuildRequest, LockedScope } from "../builds/writer.js";
import type { Transaction } from "../database/transaction.js";
import { NoneInStock, type Prebuilds } from "../prebuilds/service.js";
import type { VersionStore } from "../templateversions/store.js";
import type { WorkspaceChange, WorkspaceStore } from "./store.js";

/**
 * Hands a prebuild to the owner of a new workspace instead of building one: its row, and the build that makes it the
 * owner's, change in one transaction. Undefined if the request fits no preset, or none of its prebuilds is ready.
 */
export type ClaimPrebuild = (claim: {
  /** What the workspace will be. */
  workspace: Omit<Parameters<PlanAhead["created"]>[0], "id">;
  change: WorkspaceChange;
  start: BuildRequest & { versionId: string };
  /** The request names the version; otherwise it has to be the workspace's active one. */
  byVersion: boolean;
  /** Writes the build and returns the workspace's id. */
  begin(build: BuildRequest): (scope: LockedScope) => Promise<string>;
}) => Promise<string | undefined>;

export function createClaimPrebuild({
  store,
  builds,
  ahead,
  prebuilds,
  versions,
}: {
  store: Pick<WorkspaceStore, "update">;
  builds: Pick<Builds, "inWorkspace">;
  ahead: Pick<PlanAhead, "created">;
  prebuilds: Pick<Prebuilds, "candidate" | "take" | "wake">;
  versions: Pick<VersionStore, "presets">;
}): ClaimPrebuild {
  /** The preset whose values all are among these; of several, the one with most. */
  async function presetFor(versionId: string, given: readonly ParameterValue[]): Promise<string | undefined> {
    if (given.length === 0) return undefined;
    const values = new Map(given.map(({ name, value }) => [name, value]));
    const fitting = (await versions.presets(versionId)).flatMap(({ id, parameters }) => {
      const own = Object.entries(parameters as Record<string, string>);
      const fits = own.length > 0 && own.every(([name, value]) => values.get(name) === value);
      return fits ? [{ id, size: own.length }] : [];
    });
    return fitting.sort((a, b) => b.size - a.size)[0]?.id;
  }

  return async ({ workspace, change, start, byVersion, begin }) => {
    const presetId = start.presetId ?? (await presetFor(start.versionId, start.parameters));
    if (!presetId) return undefined;
    const stock = { presetId, anyVersion: byVersion };
    const candidate = await prebuilds.candidate(stock);
    if (!candidate) return undefined;
    const build = { ...start, presetId, prebuild: "claim" as const };
    await ahead.created({ id: candidate, ...workspace }, build);
    const take = async (tx: Transaction) => {
      const id = await prebuilds.take(tx, stock);
      await store.update(id, change, tx);
      return id;
    };
    try {
      const id = await builds.inWorkspace(take, begin(build));
      prebuilds.wake();
      return id;
    } catch (error) {
      // Others were faster.
      if (error instanceof NoneInStock) return undefined;
      throw error;
    }
  };
}

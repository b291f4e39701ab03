import { randomBytes, randomUUID } from "node:crypto";
import { type Clock, errorMessage, FleetError, inParallel, isFleetError, type Logger } from "@fleet/base";
import type { Audit, PlatformAct } from "../audit/service.js";
import { PREBUILDS_USER_ID } from "../auth/system-users.js";
import type { Builds } from "../builds/service.js";
import type { Notifier } from "../notifications/notifier.js";
import type { ProvisionerJobs } from "../provisionerjobs/service.js";
import { type Decision, decide, type Prebuild, type PrebuildRules } from "./decide.js";
import type { PrebuildStore, PresetState } from "./store.js";

export type ReconcilerOptions = {
  store: PrebuildStore;
  builds: Pick<Builds, "inWorkspace">;
  jobs: Pick<ProvisionerJobs, "cancel">;
  audit: Audit;
  notifier: Notifier;
  rules: PrebuildRules;
  clock: Clock;
  logger: Logger;
};

/** Presets at the same time, and prebuilds of each that are deleted or canceled; each uses a Postgres connection. */
const PARALLEL = 2;
/** Prebuilds of a preset that one round creates; the next round creates the rest. */
const CREATED_AT_ONCE = 50;

/**
 * Creates and deletes prebuilds until each preset has the number that it wants. Whatever it decides is decided again
 * under a lock, on the preset's row for a creation and on the workspace's row for a deletion: several replicas that do
 * this at the same time create and delete each of them once.
 */
export type Reconciler = () => Promise<void>;

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { store, builds, jobs, audit, notifier, rules, clock, logger } = options;

  /** Runs one step; what fails is done in the next round. */
  async function step(what: string, preset: PresetState, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const facts = { what, preset: preset.name, template: preset.templateName, error: errorMessage(error) };
      // Somebody else has just built, claimed or deleted it.
      if (isFleetError(error, "conflict", "not_found"))
        logger.debug("prebuild skipped: it has changed", facts);
      else logger.warn("could not reconcile a prebuild; retrying", facts);
    }
  }

  /** Creates a prebuild if one is still missing. False if not. */
  async function createOne(presetId: string): Promise<boolean> {
    const id = randomUUID();
    let preset: PresetState | undefined;
    const create = () =>
      builds.inWorkspace(
        id,
        async ({ write }): Promise<PlatformAct[]> => {
          const { versionId } = preset!;
          const prebuild = "create" as const;
          await write(PREBUILDS_USER_ID, { ...START, versionId, presetId, prebuild }, true);
          return [{ userId: PREBUILDS_USER_ID, action: "create", type: "workspace", id, before: undefined }];
        },
        async (tx) => {
          preset = await store.lockPreset(tx, presetId);
          if (!preset || decide(preset, rules, clock.now()).create < 1) throw new NothingMissing();
          const { organizationId, templateId } = preset;
          const name = `prebuild-${randomBytes(6).toString("hex")}`;
          await store.insert(tx, { id, name, organizationId, templateId, createdAt: clock.now() });
        },
      );
    try {
      return await audit.byItself(create);
    } catch (error) {
      if (error instanceof NothingMissing) return false;
      throw error;
    }
  }

  function deleteOne(id: string): Promise<unknown> {
    return audit.byItself(() =>
      builds.inWorkspace(id, async ({ workspace, write }): Promise<PlatformAct[]> => {
        // It was claimed in the meantime.
        if (workspace.deleted || workspace.ownerId !== PREBUILDS_USER_ID) return [];
        const made = await write(PREBUILDS_USER_ID, DELETE, true);
        const by = { userId: PREBUILDS_USER_ID, action: "delete", before: undefined } as const;
        return [{ ...by, type: "workspace_build", id: made }];
      }),
    );
  }

  /** Remembers on the preset that too many prebuilds have failed, and tells the template's administrators once. */
  async function markLimited(preset: PresetState, hardLimited: boolean): Promise<void> {
    if (hardLimited === (preset.status === "hard_limited")) return;
    await store.transaction(async (tx) => {
      const changed = await store.setStatus(tx, preset.id, hardLimited ? "hard_limited" : "normal");
      if (!changed || !hardLimited) return;
      await notifier.notify(
        [
          {
            event: "prebuildFailureLimitReached",
            to: { admins: "templates", organizationId: preset.organizationId },
            labels: {
              name: preset.templateName,
              version: preset.versionName,
              preset: preset.name,
              failures: String(rules.failureHardLimit),
            },
            targets: [preset.templateId, preset.organizationId],
            occurrence: `${preset.id}:${preset.attempts[0]?.endedAtMs ?? 0}`,
          },
        ],
        tx,
      );
    });
    if (hardLimited)
      logger.warn("prebuilds of a preset keep failing; no more are created", {
        preset: preset.name,
        template: preset.templateName,
        version: preset.versionName,
      });
  }

  async function carryOut(preset: PresetState, decision: Decision): Promise<void> {
    await step("limit", preset, () => markLimited(preset, decision.hardLimited));
    await inParallel(decision.cancel, PARALLEL, ({ jobId }: Prebuild) =>
      step("cancel", preset, () => jobs.cancel(jobId, "pending")),
    );
    await inParallel(decision.delete, PARALLEL, (id: string) => step("delete", preset, () => deleteOne(id)));
    // One after another: each is decided by the ones before it.
    for (let created = 0; created < Math.min(decision.create, CREATED_AT_ONCE); created++) {
      let done = false;
      await step("create", preset, async () => {
        done = await createOne(preset.id);
      });
      if (!done) return;
    }
  }

  return async () => {
    if (await store.paused()) return;
    const presets = await store.presets();
    await inParallel(presets, PARALLEL, (preset: PresetState) =>
      carryOut(preset, decide(preset, rules, clock.now())),
    );
  };
}

const START = { transition: "start", parameters: [] } as const;
const DELETE = { transition: "delete", parameters: [], scheduled: true } as const;

class NothingMissing extends FleetError {
  constructor() {
    super("conflict", "The preset has the prebuilds that it wants.");
  }
}

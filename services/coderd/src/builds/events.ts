import type { Clock } from "@fleet/base";
import { PREBUILDS_USER_ID } from "../auth/system-users.js";
import type { Transaction } from "../database/transaction.js";
import type { UnitOfWork } from "../database/unit-of-work.js";
import type { Notification, Notifier } from "../notifications/notifier.js";
import { isScheduled, type ScheduledReason } from "../schedules/rules.js";
import type { BuildEventFacts, BuildEventStore, FailedBuilds } from "./events-store.js";

/** Notifies users of builds, in the transactions that create and end them. */
export type BuildEvents = {
  /** The workspace was created for its owner by somebody else. */
  created(tx: Transaction, buildId: string): Promise<void>;
  /** A start that changes the workspace's template version. */
  updating(tx: Transaction, buildId: string): Promise<void>;
  /** The workspace was deleted. */
  deleted(tx: Transaction, jobIds: readonly string[]): Promise<void>;
  /** The jobs of builds failed; canceled ones are no failure. */
  failed(tx: Transaction, jobIds: readonly string[]): Promise<void>;
  /** Sends template admins the weekly summary of failed builds, when it is due. */
  summarize(): Promise<void>;
};

const WEEK_MS = 7 * 24 * 3_600_000;
/** Templates in a summary. */
const MAX_TEMPLATES = 50;

/** Why a build was created that nobody requested. */
export const SCHEDULED_REASON_TEXTS: Record<ScheduledReason, string> = {
  autostart: "autostart",
  autostop: "autostop",
  dormancy: "the workspace became dormant",
  autodelete: "the workspace was dormant for as long as its template allows",
};
/** Nobody asked for the build. */
const isAutomatic = ({ reason }: BuildEventFacts) => isScheduled(reason);

export function createBuildEvents({
  store,
  notifier,
  unitOfWork,
  clock,
}: {
  store: BuildEventStore;
  notifier: Notifier;
  unitOfWork: Pick<UnitOfWork, "run">;
  clock: Clock;
}): BuildEvents {
  return {
    async created(tx, buildId) {
      const facts = await store.ofBuild(tx, buildId);
      if (facts && !byOwner(facts)) await notifier.notify([toOwner("workspaceCreated", facts)], tx);
    },

    async updating(tx, buildId) {
      const facts = await store.ofBuild(tx, buildId);
      if (!facts) return;
      if (isAutomatic(facts)) await notifier.notify([toOwner("workspaceAutoUpdated", facts)], tx);
      else if (!byOwner(facts)) await notifier.notify([toOwner("workspaceManuallyUpdated", facts)], tx);
    },

    async deleted(tx, jobIds) {
      const deletions = (await store.ofJobs(tx, jobIds)).filter(
        (facts) => isAutomatic(facts) || !byOwner(facts),
      );
      await notifier.notify(
        deletions.map((facts) => toOwner("workspaceDeleted", facts)),
        tx,
      );
    },

    async failed(tx, jobIds) {
      // Failures of prebuilds are counted for each preset.
      const failures = (await store.ofJobs(tx, jobIds)).filter(
        ({ canceled, ownerId }) => !canceled && ownerId !== PREBUILDS_USER_ID,
      );
      await notifier.notify(
        failures.flatMap((facts): Notification[] => {
          if (isAutomatic(facts)) return [toOwner("workspaceAutobuildFailed", facts)];
          const { organizationId, initiatorId } = facts;
          const event = "workspaceManualBuildFailed";
          const admins = { admins: "templates", organizationId, except: initiatorId } as const;
          return [
            ...(byOwner(facts) ? [] : [toOwner(event, facts)]),
            { ...toOwner(event, facts), to: admins },
          ];
        }),
        tx,
      );
    },

    summarize() {
      return unitOfWork.run(async () => {
        const now = clock.now();
        const since = await store.claimSummary(new Date(now.getTime() - WEEK_MS), now);
        if (!since) return;
        const failures = Map.groupBy(await store.failures(since), ({ organizationId }) => organizationId);
        await notifier.notify(
          [...failures].map(([organizationId, templates]) => ({
            event: "buildsFailedReport",
            to: { admins: "templates", organizationId },
            labels: { report: reportOf(templates), since: since.toISOString().slice(0, 10) },
            lines: ["report"],
            targets: templates.slice(0, MAX_TEMPLATES).map(({ templateId }) => templateId),
          })),
        );
      });
    },
  };
}

const byOwner = ({ initiatorId, ownerId }: BuildEventFacts) => initiatorId === ownerId;

function toOwner(event: Notification["event"], facts: BuildEventFacts): Notification {
  return {
    event,
    to: { users: [facts.ownerId] },
    labels: {
      name: facts.workspaceName,
      owner: facts.ownerName,
      initiator: isAutomatic(facts) ? "the platform" : facts.initiatorName,
      reason: isScheduled(facts.reason)
        ? SCHEDULED_REASON_TEXTS[facts.reason]
        : `requested by ${facts.initiatorName}`,
      transition: facts.transition,
      template: facts.templateName,
      version: facts.versionName,
      message: facts.versionMessage || "(none)",
      build_number: String(facts.buildNumber),
      error: facts.error,
    },
    targets: [facts.workspaceId, facts.ownerId, facts.templateId, facts.organizationId],
    occurrence: facts.buildId,
  };
}

function reportOf(templates: readonly FailedBuilds[]): string {
  const parts = templates
    .slice(0, MAX_TEMPLATES)
    .map(({ templateName, failed, builds, latest }) =>
      [
        `${templateName}: ${failed} of ${builds} builds failed`,
        ...latest.map(
          ({ owner, workspace, build, version }) =>
            `  ${owner}/${workspace}, build ${build}, version ${version}`,
        ),
        ...(failed > latest.length ? [`  and ${failed - latest.length} more`] : []),
      ].join("\n"),
    );
  const more = templates.length - parts.length;
  return [...parts, ...(more > 0 ? [`and ${more} more templates`] : [])].join("\n\n");
}

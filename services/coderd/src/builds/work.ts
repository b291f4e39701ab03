import type { ParameterValue } from "@fleet/parameters";
import { endReplacedAgents } from "../agents/store.js";
import { hashToken, randomText } from "../auth/tokens.js";
import type { BuildTransition } from "../database/gen/enums.js";
import type { Dbcrypt } from "../dbcrypt/dbcrypt.js";
import type { JobKind } from "../provisionerjobs/kind.js";
import { claimedChannel, workspaceChannel } from "../pubsub/channels.js";
import { checkResources } from "../resources/check.js";
import { insertResources } from "../resources/store.js";
import type { NewResource } from "../resources/types.js";
import type { QuietHoursPolicy } from "../schedules/quiet-hours.js";
import type { BuildEvents } from "./events.js";
import type { OwnerCredentials, OwnerSecrets } from "./owner-credentials.js";
import { scheduleChanges } from "./schedule-store.js";
import { markOf } from "./state.js";
import type { StateStore } from "./state-store.js";
import { type BuildFacts, type BuildWorkStore, storeBuildResults } from "./work-store.js";

/** What a version's import computed once for all its builds. */
export type Prepared = { graph: string; providerLock: Uint8Array; skipInit: boolean };

export type VariableValue = { name: string; value: string; sensitive: boolean };

/** Everything a daemon needs to run a build. */
export type BuildWork = {
  facts: BuildFacts;
  /** The owner's secrets that a template may use. */
  secrets: OwnerSecrets;
  /** Its daemon sends the planned changes before it applies them, because rules decide about them. */
  wantsPlan: boolean;
};

export type BuildResult = { state: Uint8Array; resources: NewResource[] };
/** `state` is undefined if terraform did not touch it. */
export type BuildLeftover = { state: Uint8Array | undefined; resources: NewResource[] };

export type BuildKindOptions = {
  store: BuildWorkStore;
  states: Pick<StateStore, "lockEnded" | "replace">;
  crypt: Dbcrypt;
  owners: OwnerCredentials;
  events: Pick<BuildEvents, "deleted" | "failed">;
  /** Lifetime of the owner's session in a running workspace. */
  sessionLifetimeMs: number;
  /** When template-required stops happen. */
  quietHours: QuietHoursPolicy;
};

/** Builds as a kind of job. */
export function createBuildKind(options: BuildKindOptions): JobKind<BuildWork, BuildResult, BuildLeftover> {
  const { store } = options;
  return {
    /**
     * Each build ends the session that the previous one gave the workspace. A start creates a new one if its template
     * may use it, and ends it immediately if the start fails.
     */
    async describe(jobs, now) {
      const facts = await store.facts(jobs.map(({ id }) => id));
      const works = await Promise.all(
        facts.map(async (fact) => {
          const given = fact.ownerActive && fact.ownerSession && fact.transition === "start";
          const sessionToken = given ? `${randomText(10)}-${randomText(22)}` : "";
          const secrets = { sessionToken, ...(await options.owners.of(fact)) };
          return { facts: fact, secrets, wantsPlan: judgesPlan(fact) };
        }),
      );
      await store.replaceSessions(works.map(toSession), options.sessionLifetimeMs, now);
      return new Map(works.map((work) => [work.facts.jobId, work]));
    },

    async complete(tx, results, now) {
      for (const { result } of results) checkResources(result.resources);
      return finish(tx, results, now);
    },

    async fail(tx, results, now) {
      return finish(
        tx,
        results.map(({ jobId, result }) => ({
          jobId,
          result: result ?? { state: undefined, resources: [] },
        })),
        now,
        true,
      );
    },

    /**
     * Keeps the state that a daemon delivers after its build was given up, if it is newer than what is known: without
     * it, nothing would know what terraform created last.
     */
    async late(tx, { jobId, daemonId, result }, now) {
      if (!result?.state) return;
      const build = await options.states.lockEnded(tx, jobId, daemonId);
      if (!build) return;
      const [next, last] = [markOf(result.state), markOf(build.state ?? new Uint8Array())];
      const newer = next.serial !== undefined && next.serial > (last.serial ?? -1);
      const related = !last.lineage || last.lineage === next.lineage;
      if (!newer || !related) return;
      await options.states.replace(
        tx,
        { buildId: build.buildId, state: result.state, origin: "recovered" },
        now,
      );
    },
  };

  async function finish(
    tx: Parameters<typeof insertResources>[0],
    results: readonly { jobId: string; result: BuildLeftover }[],
    now: Date,
    failed = false,
  ): Promise<string[]> {
    const schedules = await scheduleChanges(
      tx,
      results.map(({ jobId }) => jobId),
      { failed, now, quietHours: options.quietHours },
    );
    const builds = await storeBuildResults(tx, results, schedules, now, { failed, crypt: options.crypt });
    if (failed)
      await store.endSessions(
        tx,
        builds.map(({ workspaceId }) => workspaceId),
      );
    else await endReplacedAgents(tx, builds, now);
    const gone = failed ? builds : builds.filter(({ transition }) => transition === "delete");
    if (gone.length > 0)
      await options.events[failed ? "failed" : "deleted"](
        tx,
        gone.map(({ jobId }) => jobId),
      );
    const byJob = new Map(builds.map((build) => [build.jobId, build]));
    await insertResources(
      tx,
      results.flatMap(({ jobId, result }) => {
        const build = byJob.get(jobId);
        return build
          ? [
              {
                jobId,
                transition: build.transition,
                workspaceId: build.workspaceId,
                resources: result.resources,
              },
            ]
          : [];
      }),
      now,
    );
    return builds.flatMap(({ workspaceId, claims }) => [
      workspaceChannel(workspaceId),
      ...(claims && !failed ? [claimedChannel(workspaceId)] : []),
    ]);
  }
}

/**
 * Without rules about it, no build pays for a plan of its own. Rules that are added later find that it is missing. A
 * claim's owner is told what the plan replaces.
 */
function judgesPlan({ dataLossPolicy, acceptsDataLoss, transition, judged, ...facts }: BuildFacts): boolean {
  return (
    facts.isPrebuildClaim ||
    judged ||
    (dataLossPolicy !== "off" && !acceptsDataLoss && transition !== "delete")
  );
}

function toSession({ facts, secrets }: BuildWork) {
  const [id, secret] = secrets.sessionToken.split("-");
  return {
    name: sessionName(facts.workspaceId),
    user_id: facts.ownerId,
    id: id || null,
    secret_hash: secret ? hashToken(secret).toString("hex") : null,
  };
}

/** The name of a workspace template's session key. */
export function sessionName(workspaceId: string): string {
  return `workspace-${workspaceId}`;
}

export type { BuildFacts, BuildTransition, ParameterValue };

import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage, isFleetError } from "@fleet/base";
import type { Client, Workspace, WorkspaceBuild } from "@fleet/sdk";
import type { createLedger } from "./ledger.js";

/** A build that takes longer than this counts as lost, in milliseconds; its daemon may die just before its end. */
const LOST_MS = 240_000;
const POLL_MS = 500;
/** This many consecutive failures of a workspace have another cause than kills. */
const MOST_FAILURES = 8;
/** terraform's message for each completed wait of a build. */
const DONE = /time_sleep.*Creation complete/;

type Transition = "start" | "stop";

export type BuildsOptions = {
  client: Client;
  templateId: string;
  /** Name of the workspace. */
  name: string;
  /** Whether a build may fail because its daemon was killed. */
  mayFail: boolean;
  ledger: ReturnType<typeof createLedger>;
  signal: AbortSignal;
};

/**
 * Creates a workspace, then starts and stops it repeatedly until `signal` aborts. A failed build is retried, as its
 * owner would; each must finish and run exactly once.
 */
export async function buildAgainAndAgain(
  options: BuildsOptions,
): Promise<{ workspace: string; isStarted: boolean }> {
  const { client, templateId, name, mayFail, ledger, signal } = options;
  let asked = 1;
  const workspace = await call("create", () =>
    client.workspaceCreate({ params: { user: "me" }, body: { name, template_id: templateId } }),
  );
  let transition: Transition = "start";
  let build: WorkspaceBuild | undefined = workspace.latest_build;
  for (let failures = 0; ; ) {
    const succeeded = await ended(build!);
    failures = succeeded ? 0 : failures + 1;
    if (failures > 0 && (!mayFail || failures === MOST_FAILURES)) {
      ledger.fail("lost_builds", `${name} failed ${failures} times in a row`);
      break;
    }
    // Failed builds are retried before the load ends.
    if (signal.aborted && succeeded) break;
    if (succeeded) transition = transition === "start" ? "stop" : "start";
    asked++;
    const next: Transition = transition;
    build = await call(next, () =>
      client.workspaceBuildCreate({ params: { workspace: workspace.id }, body: { transition: next } }),
    );
  }
  const { latest_build } = await call("get", () =>
    client.workspaceGet({ params: { workspace: workspace.id } }),
  );
  if (latest_build.build_number !== asked)
    ledger.fail(
      "doubled_builds",
      `${name} has ${latest_build.build_number} builds, and ${asked} were asked for`,
    );
  return { workspace: workspace.id, isStarted: transition === "start" };

  /** Records a failure that a user would have seen, and retries the request so that the load continues. */
  async function call<T extends Workspace | WorkspaceBuild>(
    what: string,
    request: () => Promise<T>,
  ): Promise<T> {
    for (;;) {
      ledger.count("requests");
      try {
        return await request();
      } catch (error) {
        ledger.fail("failed_requests", `${what} ${name}: ${errorMessage(error)}`);
        if (isFleetError(error, "already_exists", "failed_precondition")) throw error;
        await sleep(POLL_MS);
      }
    }
  }

  async function ended({ id }: WorkspaceBuild): Promise<boolean> {
    const until = performance.now() + LOST_MS;
    for (;;) {
      const { job, transition, build_number } = await call("get", () =>
        client.workspaceBuildGet({ params: { build: id } }),
      );
      if (job.status !== "pending" && job.status !== "running" && job.status !== "canceling") {
        ledger.count("builds");
        if (transition === "start") await countTimes(id);
        if (job.status !== "succeeded") ledger.reason(job.error || "(no reason)");
        if (job.status !== "succeeded" && !job.error)
          ledger.fail("lost_builds", `${name} #${build_number} ${job.status}, without a reason`);
        return job.status === "succeeded";
      }
      if (performance.now() > until) {
        ledger.fail("lost_builds", `${name} #${build_number} is ${job.status} after ${LOST_MS / 1_000} s`);
        throw new Error("A build was lost; its workspace is left as it is.");
      }
      await sleep(POLL_MS);
    }
  }

  async function countTimes(id: string): Promise<void> {
    const logs = await client.workspaceBuildLogs({ params: { build: id } });
    const times = logs.filter(({ output }) => DONE.test(output)).length;
    if (times > 1) ledger.fail("doubled_builds", `${name}: build ${id} was carried out ${times} times`);
  }
}

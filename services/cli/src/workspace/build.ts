import { FleetError, formatDuration } from "@fleet/base";
import type {
  Client,
  ProvisionerJob,
  ProvisionerJobLog,
  TemplateVersion,
  Workspace,
  WorkspaceBuild,
} from "@fleet/sdk";
import type { Context } from "../context.js";
import { afterLine, followToEnd } from "./follow.js";
import { noteQueue } from "./queue.js";

/** The request body of a build, without fields that follow from the workspace. */
export type BuildRequest = Parameters<Client["workspaceBuildCreate"]>[0]["body"];

/** Requests a build. On conflict, the error names the running build and how to wait for it. */
export async function createBuild(
  client: Client,
  workspace: Workspace,
  body: BuildRequest,
): Promise<WorkspaceBuild> {
  try {
    return await client.workspaceBuildCreate({
      params: { workspace: workspace.id },
      body: { reason: "cli", ...body },
    });
  } catch (error) {
    if (!(error instanceof FleetError) || error.code !== "conflict") throw error;
    const name = `${workspace.owner_name}/${workspace.name}`;
    throw new FleetError("conflict", `${error.message} Follow it with: coder logs ${name} --follow`, {
      cause: error,
    });
  }
}

/**
 * Shows the build's log as it grows, and for the stop of a restart, also that of the start. Resolves with the last
 * finished build, or throws its job's error.
 */
export async function followBuild(context: Context, build: WorkspaceBuild): Promise<WorkspaceBuild> {
  const { client } = await context.session();
  const params = { build: build.id };
  noteQueue(context, build);
  try {
    await showLog(context, buildLog(context, client, build.id));
    const finished = await client.workspaceBuildGet({ params });
    requireSuccess(finished.job, `The ${build.transition} of ${build.workspace_name}`);
    if (!finished.next_build) return finished;
    return await followBuild(context, await nextBuild(context, client, finished));
  } catch (error) {
    if (context.signal.aborted) {
      const name = `${build.workspace_owner_name}/${build.workspace_name}`;
      context.note(`The ${build.transition} of ${name} continues. Cancel it with: coder cancel ${name}`);
    }
    throw error;
  }
}

/** How often, and for how long, to check whether the start of a restart has begun. */
const NEXT_POLL_MS = 250;
const NEXT_LIMIT_MS = 60_000;

/** The start that the server creates after a stop. */
async function nextBuild(context: Context, client: Client, stop: WorkspaceBuild): Promise<WorkspaceBuild> {
  const until = context.clock.now().getTime() + NEXT_LIMIT_MS;
  for (let { next_build } = stop; context.clock.now().getTime() < until; ) {
    if (next_build?.build_id) return client.workspaceBuildGet({ params: { build: next_build.build_id } });
    if (next_build?.status === "dropped") {
      const why = next_build.error ?? "The workspace was stopped but not started.";
      throw new FleetError("failed_precondition", why);
    }
    await context.clock.sleep(NEXT_POLL_MS, context.signal);
    ({ next_build } = await client.workspaceBuildGet({ params: { build: stop.id } }));
  }
  throw new FleetError(
    "deadline_exceeded",
    `The server has not started ${stop.workspace_name} yet. Check it with: coder show ${stop.workspace_name}`,
  );
}

/** Shows a template version's import; throws if it failed. Interrupting it cancels the import. */
export async function followImport(context: Context, version: TemplateVersion): Promise<void> {
  const { client } = await context.session();
  const params = { version: version.id };
  noteQueue(context, version);
  try {
    const log = followToEnd<ProvisionerJobLog>(context, {
      open: (after) =>
        client.templateVersionLogsFollow({ params, signal: context.signal, ...afterLine(after) }),
      lastOf: ({ id }) => id,
      ended: async () => isOver((await client.templateVersionGet({ params })).job),
    });
    await showLog(context, log);
  } catch (error) {
    if (context.signal.aborted) await client.templateVersionCancel({ params }).catch(() => {});
    throw error;
  }
  requireSuccess((await client.templateVersionGet({ params })).job, "The import of the template");
}

/** A build's log until the build has ended, across replica restarts. */
export function buildLog(context: Context, client: Client, build: string): AsyncGenerator<ProvisionerJobLog> {
  const params = { build };
  return followToEnd<ProvisionerJobLog>(context, {
    open: (after) => client.workspaceBuildLogsFollow({ params, signal: context.signal, ...afterLine(after) }),
    lastOf: ({ id }) => id,
    ended: async () => isOver((await client.workspaceBuildGet({ params })).job),
  });
}

/** True while the build is running, or the start after it is pending. */
export function isUnderWay({ job, next_build }: WorkspaceBuild): boolean {
  return !isOver(job) || next_build?.status === "waiting";
}

/** True once a job has ended, however it did. */
export function isOver({ status }: ProvisionerJob): boolean {
  return status !== "pending" && status !== "running" && status !== "canceling";
}

function requireSuccess(job: ProvisionerJob, what: string): void {
  if (job.status === "succeeded") return;
  if (job.status === "canceled" || job.status === "canceling") {
    throw new FleetError("canceled", `${what} was canceled.`);
  }
  throw new FleetError("failed_precondition", `${what} failed.`, { detail: job.error });
}

/** Prints lines to standard error, below a heading with the duration of each stage. */
async function showLog(context: Context, logs: AsyncIterable<ProvisionerJobLog>): Promise<void> {
  const { colors } = context;
  let stage: { name: string; startedAt: number; failed: boolean } | undefined;

  function closeStage(at: number): void {
    if (!stage) return;
    const mark = stage.failed ? colors.red("✘") : colors.green("✔");
    context.note(
      `=== ${mark} ${stage.name} ${colors.dim(`[${formatDuration(Math.max(0, at - stage.startedAt))}]`)}`,
    );
    stage = undefined;
  }

  let last = 0;
  for await (const log of logs) {
    last = Date.parse(log.created_at);
    if (stage?.name !== log.stage) {
      closeStage(last);
      stage = { name: log.stage, startedAt: last, failed: false };
      context.note(`==> ${colors.dim("⧗")} ${colors.bold(log.stage)}`);
    }
    if (log.log_level === "error") stage.failed = true;
    const quiet = log.log_level === "trace" || log.log_level === "debug";
    // An empty line only begins a stage.
    if (log.output === "" || (quiet && !context.globals.verbose)) continue;
    context.note(renderLine(context, log));
  }
  closeStage(last);
}

function renderLine({ colors }: Context, log: { output: string; log_level: string }): string {
  switch (log.log_level) {
    case "error":
      return colors.red(log.output);
    case "warn":
      return colors.yellow(log.output);
    case "info":
      return log.output;
    default:
      return colors.dim(log.output);
  }
}

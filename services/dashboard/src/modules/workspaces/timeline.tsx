import type { BuildTimings, Workspace } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import clsx from "clsx";
import { Link } from "react-router";
import { buildTimingsQuery } from "../../api/workspaces.js";
import { buildPath } from "../../paths.js";
import { duration, isRealTime, useNow } from "../format/time.js";

/** A part of the way from a request to a workspace that can be used. Times in milliseconds; no end while it goes on. */
export type Segment = {
  name: string;
  start: number;
  end: number | undefined;
  failed: boolean;
  /** Whose log tells of it. */
  log: "build" | "agent";
};

/** The segments of a start so far: queue, plan and apply (one until the build has ended), connect, scripts. */
export function segmentsOf(workspace: Workspace, timings: BuildTimings | undefined): Segment[] {
  const { created_at, job, resources } = workspace.latest_build;
  const segments: Segment[] = [];
  const add = (name: string, start?: string, end?: string, log: Segment["log"] = "build", failed = false) => {
    if (isRealTime(start))
      segments.push({
        name,
        start: Date.parse(start),
        end: isRealTime(end) ? Date.parse(end) : undefined,
        log,
        failed,
      });
  };
  add("Queue", created_at, job.started_at ?? job.completed_at ?? undefined);
  const planned = spanOf(timings, ["init", "plan", "graph"]);
  const applied = spanOf(timings, ["apply"]);
  const jobFailed = job.status === "failed";
  if (planned) add("Plan", planned.start, planned.end, "build", jobFailed && !applied);
  if (applied) add("Apply", applied.start, applied.end, "build", jobFailed);
  if (!planned && !applied)
    add("Build", job.started_at ?? undefined, job.completed_at ?? undefined, "build", jobFailed);
  if (job.status !== "succeeded") return segments;
  const agents = resources.flatMap((resource) => resource.agents ?? []).filter((agent) => !agent.parent_id);
  if (agents.length === 0) return segments;
  // The last agent decides when the workspace can be used.
  const latest = (times: (string | undefined)[]) =>
    times.every(isRealTime) ? times.map(String).toSorted().at(-1) : undefined;
  add(
    "Connect",
    job.completed_at ?? undefined,
    latest(agents.map((agent) => agent.first_connected_at)),
    "agent",
    agents.some(({ status }) => status === "timeout"),
  );
  const started = agents
    .map((agent) => agent.started_at)
    .filter(isRealTime)
    .toSorted()[0];
  add(
    "Scripts",
    started,
    latest(agents.map((agent) => agent.ready_at)),
    "agent",
    agents.some(({ lifecycle_state }) => /_(error|timeout)$/.test(lifecycle_state)),
  );
  return segments;
}

function spanOf(timings: BuildTimings | undefined, stages: string[]) {
  const found = (timings?.provisioner_timings ?? []).filter(({ stage }) => stages.includes(stage));
  if (found.length === 0) return undefined;
  return {
    start: found.map(({ started_at }) => started_at).toSorted()[0]!,
    end: found
      .map(({ ended_at }) => ended_at)
      .toSorted()
      .at(-1)!,
  };
}

/** The start of the workspace as a strip; each segment leads to its log. */
export function Timeline({ workspace }: { workspace: Workspace }) {
  const build = workspace.latest_build;
  const now = useNow(1_000).getTime();
  const timings = useQuery({ ...buildTimingsQuery(build.id), enabled: Boolean(build.job.completed_at) });
  if (build.transition !== "start") return null;
  const segments = segmentsOf(workspace, timings.data);
  if (segments.length === 0) return null;
  return (
    <ol aria-label="Timeline of the start" className="flex gap-px overflow-x-auto">
      {segments.map((segment) => (
        <Part key={segment.name} segment={segment} now={now} to={addressOf(workspace, segment)} />
      ))}
    </ol>
  );
}

function addressOf(workspace: Workspace, { log }: Segment): string {
  return log === "build" ? buildPath(workspace, workspace.latest_build.build_number) : "#agent-logs";
}

function Part({ segment, now, to }: { segment: Segment; now: number; to: string }) {
  const { name, start, end, failed } = segment;
  const ms = Math.max(0, (end ?? now) - start);
  const running = end === undefined && !failed;
  // Short segments stay legible, long ones do not crowd them out.
  const share = Math.sqrt(ms + 400);
  return (
    <li className="min-w-16" style={{ flexGrow: share, flexBasis: 0 }}>
      <Link to={to} className="group block rounded">
        <span
          className={clsx(
            "block h-1.5",
            failed ? "bg-bad" : running ? "animate-breathe bg-busy" : "bg-line-strong group-hover:bg-faint",
          )}
        />
        <span className="flex items-baseline gap-1.5 pt-1 text-xs">
          <span className={failed ? "text-bad" : "text-muted group-hover:text-ink"}>
            {name}
            {failed && <span className="sr-only"> failed</span>}
          </span>
          <span className="whitespace-nowrap font-mono text-faint">
            {duration(running ? Math.floor(ms / 1_000) * 1_000 : ms)}
          </span>
        </span>
      </Link>
    </li>
  );
}

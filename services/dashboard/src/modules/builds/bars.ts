import type { BuildTimings } from "@fleet/sdk";

/** A phase of a build; times in milliseconds since the epoch. */
export type Bar = { name: string; start: number; end: number; tone: string };

const STAGE_NAMES: Record<string, string> = {
  init: "Initialize",
  plan: "Plan",
  graph: "Graph",
  apply: "Apply",
  connect: "Agent connects",
};

/** One bar for each phase: terraform's, then each agent's connection and scripts. */
export function barsOf(timings: BuildTimings): Bar[] {
  const bars = new Map<string, Bar>();
  function add(name: string, startedAt: string, endedAt: string, tone: string) {
    const [start, end] = [Date.parse(startedAt), Date.parse(endedAt)];
    if (!(end >= start)) return;
    const bar = bars.get(name);
    if (!bar) bars.set(name, { name, start, end, tone });
    else Object.assign(bar, { start: Math.min(bar.start, start), end: Math.max(bar.end, end) });
  }
  for (const timing of timings.provisioner_timings ?? [])
    add(STAGE_NAMES[timing.stage] ?? timing.stage, timing.started_at, timing.ended_at, "bg-accent");
  for (const timing of timings.agent_connection_timings ?? [])
    add(`${timing.workspace_agent_name} connects`, timing.started_at, timing.ended_at, "bg-busy");
  for (const timing of timings.agent_script_timings ?? [])
    add(timing.display_name, timing.started_at, timing.ended_at, timing.exit_code === 0 ? "bg-ok" : "bg-bad");
  return [...bars.values()].sort((a, b) => a.start - b.start);
}

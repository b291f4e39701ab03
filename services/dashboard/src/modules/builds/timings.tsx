import type { BuildTimings } from "@fleet/sdk";
import { duration } from "../format/time.js";

type Bar = { name: string; start: number; end: number; tone: string };

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

/** Where the time of a build went. */
export function TimingsChart({ timings }: { timings: BuildTimings }) {
  const bars = barsOf(timings);
  if (bars.length === 0) return <p className="text-muted">No phase has been timed yet.</p>;
  const start = Math.min(...bars.map((bar) => bar.start));
  const span = Math.max(1, Math.max(...bars.map((bar) => bar.end)) - start);
  return (
    <dl className="grid grid-cols-[minmax(6rem,auto)_1fr_auto] items-center gap-x-3 gap-y-1.5 text-sm">
      {bars.map((bar) => (
        <div key={bar.name} className="contents">
          <dt className="truncate text-muted">{bar.name}</dt>
          <dd className="h-2 rounded-full bg-sunken" aria-hidden>
            <div
              className={`h-2 min-w-1 rounded-full ${bar.tone}`}
              style={{
                marginLeft: `${((bar.start - start) / span) * 100}%`,
                width: `${((bar.end - bar.start) / span) * 100}%`,
              }}
            />
          </dd>
          <dd className="text-right tabular-nums">{duration(bar.end - bar.start)}</dd>
        </div>
      ))}
    </dl>
  );
}

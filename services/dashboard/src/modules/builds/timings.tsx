import type { BuildTimings } from "@fleet/sdk";
import { duration } from "../format/time.js";
import { barsOf } from "./bars.js";

/** Chart of a build's timings. */
export function TimingsChart({ timings }: { timings: BuildTimings }) {
  const bars = barsOf(timings);
  if (bars.length === 0) return <p className="text-muted">No timings yet.</p>;
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

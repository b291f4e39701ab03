import { formatDuration } from "@fleet/base";

/** `3m ago`, `2d ago`, `just now`; empty for no time and for Go's zero time. */
export function ago(timestamp: string | null | undefined, now: Date): string {
  if (!timestamp || timestamp.startsWith("0001-")) return "";
  const ms = now.getTime() - Date.parse(timestamp);
  if (ms < 0) return until(timestamp, now);
  if (ms < 1000) return "just now";
  return `${largestUnit(ms)} ago`;
}

/** `in 2h`, or empty. */
export function until(timestamp: string | null | undefined, now: Date): string {
  if (!timestamp || timestamp.startsWith("0001-")) return "";
  const ms = Date.parse(timestamp) - now.getTime();
  return ms < 1000 ? "now" : `in ${largestUnit(ms)}`;
}

function largestUnit(ms: number): string {
  return formatDuration(Math.floor(ms / 1000) * 1000).split(" ")[0]!;
}

/** A local time for people: `Tue 24 Nov 2026, 09:30`. */
export function clockTime(timestamp: string): string {
  return new Date(timestamp).toLocaleString("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  });
}

import { useEffect, useState } from "react";

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000_000],
  ["month", 2_592_000_000],
  ["week", 604_800_000],
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];
const CLOCK_SKEW_MS = 5_000;
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** "3 minutes ago", "in 2 hours", "just now". */
export function relativeTime(time: Date, now: Date): string {
  const distance = time.getTime() - now.getTime();
  for (const [index, [unit, size]] of UNITS.entries()) {
    if (Math.abs(distance) < size) continue;
    const count = Math.round(distance / size);
    // "60 minutes" is an hour.
    const larger = UNITS[index - 1];
    if (larger && Math.abs(count) * size >= larger[1]) return relative.format(Math.sign(count), larger[0]);
    return relative.format(count, unit);
  }
  // The server's clock may be a little ahead of the browser's.
  return distance > CLOCK_SKEW_MS ? "in a moment" : "just now";
}

/** False for Go's zero time (year 1). */
export function isRealTime(text: string | null | undefined): text is string {
  return Boolean(text) && !text!.startsWith("0001-");
}

/** The current time, updated each `everyMs`. */
export function useNow(everyMs: number): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** A relative time; the exact time is in its title. */
export function Ago({ time }: { time: string | null | undefined }) {
  // Re-render periodically; events since the last tick count too.
  useNow(30_000);
  if (!isRealTime(time)) return <>never</>;
  const date = new Date(time);
  return (
    <time dateTime={time} title={absolute.format(date)}>
      {relativeTime(date, new Date())}
    </time>
  );
}

/** "850 ms", "4.2 s", "3 min 10 s", "2 h 5 min". */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1_000)} s`;
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const hours = Math.floor(ms / 3_600_000);
  return minutes === 0 ? `${hours} h` : `${hours} h ${minutes} min`;
}

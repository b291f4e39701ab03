import { FleetError } from "./errors.js";

const UNIT_MS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Milliseconds of a duration such as `90s`, `1h30m` or `250ms` (Go's syntax, as in CODER_* variables, plus `d` for days).
 * A plain `0` is allowed. Throws `invalid_argument` for anything else.
 */
export function parseDuration(text: string): number {
  if (text.trim() === "0") return 0;
  const match = /^([+-])?((?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+)$/.exec(text.trim());
  if (!match) {
    throw new FleetError(
      "invalid_argument",
      `"${text}" is not a valid duration. Use a value such as 30s, 5m or 1h30m.`,
    );
  }
  let ms = 0;
  for (const [, amount, unit] of match[2]!.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/g)) {
    ms += Number(amount) * UNIT_MS[unit!]!;
  }
  return match[1] === "-" ? -ms : ms;
}

/** The duration for display, in its two largest units: `2d 3h`, `1m 30s`, `1.5s`, `340ms`. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(1))}s`;
  const units: [string, number][] = [
    ["d", UNIT_MS.d!],
    ["h", UNIT_MS.h!],
    ["m", UNIT_MS.m!],
    ["s", 1000],
  ];
  const parts: string[] = [];
  let rest = Math.round(ms / 1000) * 1000;
  for (const [unit, size] of units) {
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    if (amount > 0) parts.push(`${amount}${unit}`);
    if (parts.length > 0 && unit !== "s" && parts.length === 2) break;
  }
  return parts.slice(0, 2).join(" ");
}

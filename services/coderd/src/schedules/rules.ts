/**
 * The rules by which workspaces start, stop, become dormant and are deleted on their own: pure functions of what is
 * stored and of the time. Whoever applies them reads the facts and writes the result, guarded by what was read.
 */

/** Share of a bump that must pass before the next one, so that a session does not cause a write with every report. */
export const BUMP_AFTER = 0.05;

/** What decides when a running workspace stops. */
export type Run = {
  deadline: Date | null;
  maxDeadline: Date | null;
  /** How long the workspace runs after a start; null if it runs until somebody stops it. */
  ttlMs: number | null;
  /** When autostart comes next, if the template allows it. */
  nextStartAt: Date | null;
};

/**
 * When activity at `at` postpones the stop to: by the template's bump from then, never earlier than it was, never past
 * the stop that the template requires. Undefined if it postpones nothing: a deadline that has passed stays passed.
 */
export function afterActivity(run: Run & { bumpMs: number }, at: Date): Date | undefined {
  const { deadline, maxDeadline, bumpMs } = run;
  if (!deadline || bumpMs <= 0 || deadline <= at) return undefined;
  const until = runsUntil(at, bumpMs, run);
  const worthIt = earlier(new Date(until.getTime() - bumpMs * BUMP_AFTER), maxDeadline);
  return deadline < worthIt ? earlier(until, maxDeadline) : undefined;
}

/**
 * `ms` after `from`. If autostart comes before that, the workspace runs as long as if it had started then: whoever expects
 * it in the morning finds it running.
 */
function runsUntil(from: Date, ms: number, { nextStartAt, ttlMs }: Pick<Run, "nextStartAt" | "ttlMs">): Date {
  const end = from.getTime() + ms;
  const start = nextStartAt?.getTime();
  if (ttlMs === null || start === undefined || start <= from.getTime() || start >= end) return new Date(end);
  return new Date(Math.max(end, start + ttlMs));
}

function earlier(time: Date, limit: Date | null | undefined): Date {
  return limit && limit < time ? limit : time;
}

/**
 * The rules by which workspaces start, stop, become dormant and are deleted on their own: pure functions of what is
 * stored and of the time. Whoever applies them reads the facts and writes the result, guarded by what was read.
 */

import { isStart, nextStart } from "./autostart.js";
import type { Schedule } from "./cron.js";
import { type AutostopRequirement, requiredStop } from "./quiet-hours.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Share of a bump that must pass before the next one, so that a session does not cause a write with every report. */
const BUMP_AFTER = 0.05;
/** What a required stop that a changed setting brings forward leaves to those who work. */
const NOTICE_MS = 2 * HOUR_MS;
/** How long before a failed scheduled build is retried; doubles with each further failure, up to a day. */
const RETRY_MS = 15 * MINUTE_MS;
const RETRY_MAX_MS = DAY_MS;
/** Characters that are kept of why a scheduled build failed; its log has the rest. */
const ERROR_LENGTH = 1_000;
/** Retries of a failed start before its next scheduled time. */
const START_RETRIES = 4;

/** What decides when a running workspace stops. */
export type Run = {
  deadline: Date | null;
  maxDeadline: Date | null;
  /** How long the workspace runs after a start; null if it runs until somebody stops it. */
  ttlMs: number | null;
  /** When autostart comes next, if the template allows it. */
  nextStartAt: Date | null;
};

/** What a template and the owner of a workspace require of its stops. */
export type Requirement = AutostopRequirement & { quietHours: Schedule };

export type Deadlines = Pick<Run, "deadline" | "maxDeadline">;

/** When a workspace that has started at `now` stops: after its TTL, but no later than its template requires. */
export function afterStart(run: Pick<Run, "ttlMs" | "nextStartAt">, rule: Requirement, now: Date): Deadlines {
  const maxDeadline = requiredStop(rule, rule.quietHours, now);
  const deadline = run.ttlMs === null ? maxDeadline : earlier(runsUntil(now, run.ttlMs, run), maxDeadline);
  return { deadline, maxDeadline };
}

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
 * When a running workspace stops once its template's rules or its owner's quiet hours have changed. A required stop that
 * comes sooner than before leaves two hours. A TTL that was changed applies from the next start.
 */
export function afterRequirement(run: Run & { startedAt: Date }, rule: Requirement, now: Date): Deadlines {
  // Counted from its start, as before: changing quiet hours again and again puts no stop off for ever.
  const since = run.maxDeadline ? run.startedAt : now;
  const required = requiredStop(rule, rule.quietHours, since);
  const notice = new Date(now.getTime() + NOTICE_MS);
  const same = required?.getTime() === run.maxDeadline?.getTime();
  const maxDeadline = required && !same && required < notice ? notice : required;
  // Without an autostop, only the requirement stops it: also if the template has just turned its autostop off.
  if (run.ttlMs === null || !run.deadline) return { deadline: maxDeadline, maxDeadline };
  return { deadline: earlier(run.deadline, maxDeadline), maxDeadline };
}

/** When a running workspace stops once its autostart has come: as if it had started then, if that is later. */
export function afterAutostart(run: Run, start: Date): Date | null {
  if (!run.deadline || run.ttlMs === null) return run.deadline;
  const until = new Date(start.getTime() + run.ttlMs);
  return until > run.deadline ? earlier(until, run.maxDeadline) : run.deadline;
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

/** What decides what is due for a workspace whose latest build has ended. */
export type ScheduleFacts = {
  /** Of the latest build. */
  transition: "start" | "stop" | "delete";
  outcome: "succeeded" | "failed" | "canceled";
  reason: string;
  endedAt: Date;
  deadline: Date | null;
  /** The owner is not suspended. */
  ownerActive: boolean;
  lastUsedAt: Date;
  dormantAt: Date | null;
  deletingAt: Date | null;
  autostartSchedule: string | null;
  nextStartAt: Date | null;
  /** When a scheduled build that failed is retried; equal to `nextStartAt` if it was a start. */
  retryAt: Date | null;
  /** Settings of the template. */
  allowAutostart: boolean;
  autostartDays: readonly string[];
  failureTtlMs: number;
  dormantAfterMs: number;
  deleteAfterMs: number;
};

export type ScheduledAction = "start" | "stop" | "dormant" | "delete";

/**
 * What is due: an action with its build's reason, or `pass` for an autostart that starts nothing. It still counts for a
 * running workspace, unless it is not one of the schedule's times.
 */
export type Due = { action: ScheduledAction; reason: ScheduledReason } | { action: "pass"; counts: boolean };

/** Reasons of builds that nobody requested. */
export const SCHEDULED_REASONS = ["autostart", "autostop", "dormancy", "autodelete"] as const;
export type ScheduledReason = (typeof SCHEDULED_REASONS)[number];

/** What is due for a workspace at `now`. */
export function dueAction(facts: ScheduleFacts, now: Date): Due | undefined {
  return dueEnd(facts, now) ?? dueStart(facts, now);
}

function dueEnd(facts: ScheduleFacts, now: Date): Due | undefined {
  const { transition, outcome, reason, endedAt, deadline, dormantAt, deletingAt, retryAt } = facts;
  const past = (time: Date | null, ms = 0) => time !== null && time.getTime() + ms <= now.getTime();
  const ofStart = retryAt?.getTime() === facts.nextStartAt?.getTime();
  if (retryAt && !ofStart && retryAt > now) return undefined;
  const running = transition === "start" && outcome === "succeeded";
  // Without a stored time, as after a build that was lost or canceled, a retry waits all the same.
  if (dormantAt && facts.deleteAfterMs > 0 && past(deletingAt)) {
    const again = transition !== "delete" || past(endedAt, DAY_MS);
    if (again) return { action: "delete", reason: "autodelete" };
  }
  if (!dormantAt && facts.dormantAfterMs > 0 && past(facts.lastUsedAt, facts.dormantAfterMs))
    return { action: "dormant", reason: "dormancy" };
  if (running && dormantAt) return { action: "stop", reason: "dormancy" };
  if (running && (past(deadline) || !facts.ownerActive)) return { action: "stop", reason: "autostop" };
  if (transition === "start" && outcome === "failed" && facts.failureTtlMs > 0) {
    if (past(endedAt, facts.failureTtlMs)) return { action: "stop", reason: "autostop" };
  }
  const scheduled = reason === "autostop" || reason === "dormancy";
  if (transition === "stop" && outcome !== "succeeded" && scheduled && past(endedAt, RETRY_MS))
    return { action: "stop", reason };
  return undefined;
}

function dueStart(facts: ScheduleFacts, now: Date): Due | undefined {
  const { autostartSchedule: schedule, nextStartAt, retryAt, transition, outcome } = facts;
  if (facts.dormantAt || !facts.allowAutostart || !nextStartAt || nextStartAt > now) return undefined;
  const running = transition === "start" && outcome === "succeeded";
  const isRetry = nextStartAt.getTime() === retryAt?.getTime();
  const valid = schedule !== null && (isRetry || isStart(schedule, facts.autostartDays, nextStartAt));
  if (running || !facts.ownerActive || !valid) return { action: "pass", counts: valid };
  return { action: "start", reason: "autostart" };
}

/** When autostart comes after it has come at `now`. */
export function startAfter(
  { autostartSchedule, autostartDays }: Pick<ScheduleFacts, "autostartSchedule" | "autostartDays">,
  now: Date,
): Date | null {
  return autostartSchedule ? nextStart(autostartSchedule, autostartDays, now) : null;
}

/** What a workspace's schedule remembers of scheduled builds that failed. */
export type ScheduleState = {
  /** Scheduled builds that have failed in a row. */
  failures: number;
  /** Why the last one failed. */
  error: string;
  retryAt: Date | null;
  nextStartAt: Date | null;
};

/** The schedule after a build that nobody requested has failed at `now`, or was refused. */
export function afterFailure(
  state: ScheduleState,
  reason: ScheduledReason,
  why: string,
  now: Date,
): ScheduleState {
  const error = why.slice(0, ERROR_LENGTH).toWellFormed();
  const { nextStartAt } = state;
  const failures = state.failures + 1;
  if (reason !== "autostart")
    return { failures, error, nextStartAt, retryAt: retryAfter(reason, failures, now) };
  // Without a next time, autostart was turned off meanwhile. After too many failures, only the next time is left.
  if (!nextStartAt || failures > START_RETRIES) return { failures, error, nextStartAt, retryAt: null };
  const retryAt = earlier(retryAfter(reason, failures, now), nextStartAt);
  return { failures, error, nextStartAt: retryAt, retryAt };
}

/** The schedule after a build has succeeded. */
export function afterSuccess(state: ScheduleState, transition: string, reason: string): ScheduleState {
  const { nextStartAt, retryAt } = state;
  // What a failed autostart left was stopped: the start is still to be retried.
  const cleaned = transition === "stop" && isScheduled(reason);
  if (cleaned && retryAt && retryAt.getTime() === nextStartAt?.getTime()) return state;
  return { failures: 0, error: "", retryAt: null, nextStartAt };
}

/** Whether a build with this reason was requested by nobody. */
export function isScheduled(reason: string): reason is ScheduledReason {
  return (SCHEDULED_REASONS as readonly string[]).includes(reason);
}

/** When a scheduled build is retried that has failed at `now`, for the `failures`th time in a row. */
function retryAfter(reason: ScheduledReason, failures: number, now: Date): Date {
  const ms = reason === "autodelete" ? RETRY_MAX_MS : Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** (failures - 1));
  return new Date(now.getTime() + ms);
}

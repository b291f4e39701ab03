import { WEEKDAYS } from "./cron.js";
import { parseQuietHours } from "./quiet-hours.js";
import {
  afterActivity,
  afterAutostart,
  afterFailure,
  afterRequirement,
  afterStart,
  afterSuccess,
  dueAction,
  type ScheduledReason,
  type ScheduleFacts,
  startAfter,
} from "./rules.js";

/** Workspaces that live for a year. */
const SEEDS = 14;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = { from: Date.UTC(2026, 0, 1), until: Date.UTC(2027, 0, 1) };
const at = (ms: number) => new Date(ms);

/** Mulberry32: the same numbers for the same seed. */
function randomOf(seed: number) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    chance: (share: number) => next() < share,
    between: (low: number, high: number) => Math.floor(low + next() * (high - low)),
    one: <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)]!,
    some: <T>(values: readonly T[]): T[] => values.filter(() => next() < 0.5),
  };
}
type Random = ReturnType<typeof randomOf>;

const ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];

function settingsOf(random: Random) {
  const zone = random.one(ZONES);
  const hour = random.one([0, 1, 2, 3, 9, 22]);
  const minute = random.one([0, 15, 30]);
  return {
    zone,
    hour,
    minute,
    schedule: random.chance(0.7) ? `CRON_TZ=${zone} ${minute} ${hour} * * *` : null,
    startDays: random.chance(0.5) ? [...WEEKDAYS] : random.some(WEEKDAYS),
    ttlMs: random.one([null, 30 * MINUTE, 2 * HOUR, 9 * HOUR, 30 * HOUR]),
    bumpMs: random.one([0, 10 * MINUTE, HOUR, 5 * HOUR]),
    requirement: {
      days: random.chance(0.5) ? [] : random.some(WEEKDAYS),
      weeks: random.one([1, 1, 2, 3]),
      quietHours: parseQuietHours(`CRON_TZ=${random.one(ZONES)} 0 ${random.one([0, 2, 3])} * * *`),
    },
    failureTtlMs: random.one([0, 5 * MINUTE, HOUR]),
    dormantAfterMs: random.one([0, 7 * DAY, 20 * DAY]),
    deleteAfterMs: random.one([0, 2 * DAY, 5 * DAY]),
    failing: random.one([0, 0.05, 0.6]),
    used: random.one([0, 0, 0.05, 0.5]),
  };
}
type Settings = ReturnType<typeof settingsOf>;

const clocks = new Map<string, Intl.DateTimeFormat>();
/** What the clocks of a zone show: date, minute of the day. Another way than cron.ts goes. */
function shown(zone: string, ms: number): { date: string; minute: number; day: string } {
  const options = { timeZone: zone, hourCycle: "h23", weekday: "long", dateStyle: undefined } as const;
  const parts = {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
  } as const;
  let clock = clocks.get(zone);
  if (!clock) {
    clock = new Intl.DateTimeFormat("en-GB", { ...options, ...parts });
    clocks.set(zone, clock);
  }
  const text = Object.fromEntries(clock.formatToParts(ms).map(({ type, value }) => [type, value]));
  return {
    date: `${text.year}-${text.month}-${text.day}`,
    minute: Number(text.hour) * 60 + Number(text.minute),
    day: text.weekday!.toLowerCase(),
  };
}

/** All scheduled starts of the year, by looking at the clock each quarter of an hour. */
function startsOf({ schedule, zone, hour, minute, startDays }: Settings): number[] {
  const starts: number[] = [];
  const dates = new Set<string>();
  if (schedule === null) return starts;
  let before = shown(zone, YEAR.from - DAY - 15 * MINUTE);
  for (let ms = YEAR.from - DAY, now = before; ms < YEAR.until + 2 * DAY; ms += 15 * MINUTE) {
    before = now;
    now = shown(zone, ms);
    const wanted = hour * 60 + minute;
    if (dates.has(now.date)) continue;
    // Where clocks skip the time, the start is as much later as they skip.
    const skipped = before.date === now.date ? now.minute - before.minute - 15 : now.minute;
    const inGap = skipped > 0 && wanted < now.minute && (before.date !== now.date || wanted > before.minute);
    if (now.minute !== wanted && !inGap) continue;
    dates.add(now.date);
    const start = inGap ? ms + (wanted - (now.minute - skipped)) * MINUTE : ms;
    if ((startDays as readonly string[]).includes(now.day)) starts.push(start);
  }
  return starts;
}

type Action = { action: string; reason: ScheduledReason; at: number };

function check(holds: boolean, rule: string): void {
  if (!holds) throw new Error(`Not kept: ${rule}.`);
}

/** One workspace for a year: ticks, builds that take time and fail, use, users, outages. Checks the rules on its way. */
function simulate(seed: number): Action[] {
  const random = randomOf(seed);
  const settings = settingsOf(random);
  const { ttlMs, bumpMs, requirement, startDays, schedule } = settings;
  let now = YEAR.from + random.between(0, DAY);
  const history: Action[] = [];
  let max = null as Date | null;
  let failures = 0;
  let error = "";
  let building: { transition: "start" | "stop" | "delete"; reason: string; endsAt: number } | undefined;
  let deleted = false;
  const facts: ScheduleFacts = {
    transition: "stop",
    outcome: "succeeded",
    reason: "initiator",
    endedAt: at(now),
    deadline: null,
    ownerActive: true,
    lastUsedAt: at(now),
    dormantAt: null,
    deletingAt: null,
    autostartSchedule: schedule,
    nextStartAt: startAfter({ autostartSchedule: schedule, autostartDays: startDays }, at(now)),
    retryAt: null,
    allowAutostart: true,
    autostartDays: startDays,
    failureTtlMs: settings.failureTtlMs,
    dormantAfterMs: settings.dormantAfterMs,
    deleteAfterMs: settings.deleteAfterMs,
  };
  const running = () => !building && facts.transition === "start" && facts.outcome === "succeeded";
  const run = () => ({ deadline: facts.deadline, maxDeadline: max, ttlMs, nextStartAt: facts.nextStartAt });
  const build = (transition: "start" | "stop" | "delete", reason: string) => {
    building = { transition, reason, endsAt: now + random.between(1, 4) * MINUTE };
    if (!isScheduled(reason)) {
      Object.assign(facts, { retryAt: null });
      [failures, error] = [0, ""];
      if (transition === "start") facts.lastUsedAt = at(now);
    }
  };
  const end = ({ transition, reason }: NonNullable<typeof building>) => {
    const failed = random.chance(settings.failing);
    Object.assign(facts, { transition, reason, outcome: failed ? "failed" : "succeeded", endedAt: at(now) });
    facts.deadline = max = null;
    const state = { failures, error, retryAt: facts.retryAt, nextStartAt: facts.nextStartAt };
    const after = !failed
      ? afterSuccess(state, transition, reason)
      : isScheduled(reason)
        ? afterFailure(state, reason, "no room", at(now))
        : state;
    [failures, error] = [after.failures, after.error];
    Object.assign(facts, { retryAt: after.retryAt, nextStartAt: after.nextStartAt });
    if (failed) return;
    if (transition === "delete") deleted = true;
    if (transition !== "start") return;
    const deadlines = afterStart(run(), requirement, at(now));
    facts.deadline = deadlines.deadline;
    max = deadlines.maxDeadline;
    if (ttlMs === null) check(facts.deadline?.getTime() === max?.getTime(), "only the requirement stops it");
    if (max) {
      const { day } = shown(requirement.quietHours.timezone, max.getTime());
      check((requirement.days as readonly string[]).includes(day), "the stop is on a required day");
      check(max.getTime() > now + HOUR, "a required stop leaves an hour");
    }
    if (ttlMs !== null) {
      // No sooner than the TTL says unless it has to, and no later than a run that autostart would have begun.
      const latest = now + 2 * ttlMs;
      check(
        facts.deadline!.getTime() >= Math.min(now + ttlMs, max?.getTime() ?? Infinity),
        "it runs for its TTL",
      );
      check(facts.deadline!.getTime() <= latest, "it runs no longer than two TTLs");
    }
  };

  while (now < YEAR.until && !deleted) {
    // Mostly a minute; now and then coderd is away for a night, or its clock is set back a little.
    const away = random.chance(0.0005);
    now += away
      ? random.between(6, 14) * HOUR
      : random.chance(0.001)
        ? -2 * MINUTE
        : random.between(1, 15) * MINUTE;
    if (building && building.endsAt <= now) {
      const ended = building;
      building = undefined;
      end(ended);
    }
    if (running() && random.chance(settings.used)) {
      facts.lastUsedAt = at(Math.max(now, facts.lastUsedAt.getTime()));
      const postponed = afterActivity({ ...run(), bumpMs }, at(now));
      if (postponed) {
        check(postponed > facts.deadline!, "use only postpones");
        check(bumpMs > 0, "without a bump, use postpones nothing");
        check(!max || postponed <= max, "use does not reach past a required stop");
        facts.deadline = postponed;
      }
    }
    if (!building && random.chance(0.0004)) {
      if (running()) build("stop", "initiator");
      else {
        Object.assign(facts, { dormantAt: null, deletingAt: null });
        facts.nextStartAt = startAfter(facts, at(now));
        build("start", "initiator");
      }
    }
    if (building || deleted) continue;
    const due = dueAction(facts, at(now));
    if (!due) {
      const gated = facts.retryAt && facts.retryAt > at(now);
      // What is due is done at the first look.
      check(
        !running() || gated || (facts.deadline?.getTime() ?? Infinity) > now,
        "nothing runs past its deadline",
      );
      continue;
    }
    if (due.action === "pass") {
      if (due.counts && running()) facts.deadline = afterAutostart(run(), facts.nextStartAt!);
      facts.nextStartAt = startAfter(facts, at(now));
      continue;
    }
    history.push({ action: due.action, reason: due.reason, at: now });
    if (due.action === "dormant") {
      check(now - facts.lastUsedAt.getTime() >= settings.dormantAfterMs, "only what is unused is dormant");
      facts.dormantAt = at(now);
      facts.deletingAt = settings.deleteAfterMs > 0 ? at(now + settings.deleteAfterMs) : null;
      if (facts.transition === "start" || facts.outcome !== "succeeded") build("stop", due.reason);
      continue;
    }
    if (due.action === "delete")
      check(now - facts.dormantAt!.getTime() >= settings.deleteAfterMs, "only what was dormant is deleted");
    if (due.action === "start") {
      check(facts.dormantAt === null, "nothing dormant starts");
      facts.nextStartAt = startAfter(facts, at(now));
      facts.retryAt = null;
    }
    build(due.action, due.reason);
  }
  checkStarts(history, startsOf(settings), settings);
  checkRetries(history, settings);
  return history;
}

const isScheduled = (reason: string): reason is ScheduledReason =>
  ["autostart", "autostop", "dormancy", "autodelete"].includes(reason);

/** Each start answers a scheduled time, each scheduled time at most one start and its retries. */
function checkStarts(history: readonly Action[], times: readonly number[], { failing }: Settings): void {
  const answered = new Map<number, number>();
  for (const { action, at } of history) {
    if (action !== "start") continue;
    const time = times.findLast((time) => time <= at);
    check(time !== undefined, "a start answers a scheduled time");
    answered.set(time!, (answered.get(time!) ?? 0) + 1);
  }
  for (const count of answered.values()) expect(count).toBeLessThanOrEqual(failing > 0 ? 5 : 1);
}

/** Nothing is tried each minute. */
function checkRetries(history: readonly Action[], { failing }: Settings): void {
  if (failing === 0) return;
  for (const [, same] of Map.groupBy(history, ({ action, reason }) => `${action} ${reason}`)) {
    for (const [index, { at, action }] of same.entries()) {
      const before = same[index - 1];
      // A stop may follow a start soon; two of the same kind do not.
      if (before && (action === "delete" || action === "dormant"))
        expect(at - before.at).toBeGreaterThan(10 * MINUTE);
    }
  }
  const perHour = Map.groupBy(history, ({ at }) => Math.floor(at / HOUR));
  for (const actions of perHour.values()) expect(actions.length).toBeLessThanOrEqual(8);
}

test("a year of random settings, use and outages keeps the rules", () => {
  const actions = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed++)
    for (const { action, reason } of simulate(seed)) actions.add(`${action} ${reason}`);
  // Otherwise the years had nothing to check.
  expect([...actions].sort()).toEqual([
    "delete autodelete",
    "dormant dormancy",
    "start autostart",
    "stop autostop",
    "stop dormancy",
  ]);
});

test("a required stop that a changed setting brings forward leaves two hours, and is not put off by changing it again", () => {
  const days = [...WEEKDAYS];
  const rule = (hour: number) => ({
    days,
    weeks: 1,
    quietHours: parseQuietHours(`CRON_TZ=UTC 0 ${hour} * * *`),
  });
  const startedAt = new Date("2026-06-01T10:00:00Z");
  const run = { startedAt, ttlMs: null, nextStartAt: null };
  const first = afterStart(run, rule(23), startedAt);
  expect(first.maxDeadline).toEqual(new Date("2026-06-01T23:00:00Z"));
  const evening = new Date("2026-06-01T22:30:00Z");
  const sooner = afterRequirement({ ...run, ...first }, rule(22), evening);
  expect(sooner).toEqual({
    deadline: new Date("2026-06-02T00:30:00Z"),
    maxDeadline: new Date("2026-06-02T00:30:00Z"),
  });
  // A template that has required nothing: from now on.
  const later = new Date("2026-07-01T12:00:00Z");
  const none = { deadline: null, maxDeadline: null };
  expect(afterRequirement({ ...run, ...none }, rule(3), later).maxDeadline).toEqual(
    new Date("2026-07-02T03:00:00Z"),
  );
  // No longer required: the TTL is left.
  const ttl = {
    ...run,
    ttlMs: HOUR,
    deadline: new Date("2026-06-01T20:00:00Z"),
    maxDeadline: first.maxDeadline,
  };
  expect(afterRequirement(ttl, { ...rule(3), days: [] }, evening)).toEqual({
    deadline: ttl.deadline,
    maxDeadline: null,
  });
});

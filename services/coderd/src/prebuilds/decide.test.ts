import { decide, type Prebuild, type PresetFacts } from "./decide.js";
import { instancesAt } from "./schedule.js";

const MINUTE_MS = 60_000;
const NOW = new Date("2026-11-30T10:30:00Z");
const RULES = { backoffIntervalMs: MINUTE_MS, backoffLookbackMs: 60 * MINUTE_MS, failureHardLimit: 3 };

let number = 0;
function prebuild(minutesOld: number, more: Partial<Prebuild> = {}): Prebuild {
  number += 1;
  const createdAtMs = NOW.getTime() - minutesOld * MINUTE_MS;
  return {
    id: `p${number}`,
    jobId: `j${number}`,
    createdAtMs,
    transition: "start",
    status: "succeeded",
    endedAtMs: createdAtMs,
    ...more,
  };
}

function preset(more: Partial<PresetFacts> = {}): PresetFacts {
  return {
    instances: 2,
    timezone: "",
    schedules: [],
    active: true,
    ttlSeconds: 0,
    invalidatedAtMs: null,
    prebuilds: [],
    attempts: [],
    ...more,
  };
}

const failure = (minutesAgo: number) => ({ failed: true, endedAtMs: NOW.getTime() - minutesAgo * MINUTE_MS });
const success = (minutesAgo: number) => ({ ...failure(minutesAgo), failed: false });

test("missing prebuilds are created, counting those that are starting", () => {
  expect(decide(preset(), RULES, NOW)).toMatchObject({ desired: 2, create: 2, delete: [], cancel: [] });
  const prebuilds = [prebuild(5), prebuild(1, { status: "running", endedAtMs: null })];
  expect(decide(preset({ prebuilds }), RULES, NOW)).toMatchObject({ create: 0, delete: [] });
});

test("what is too much is deleted, the oldest first; what has not begun is canceled, the newest first", () => {
  const [oldest, newer] = [prebuild(9), prebuild(5)];
  const waiting = [3, 2].map((age) => prebuild(age, { status: "pending", endedAtMs: null }));
  const some = preset({ instances: 1, prebuilds: [oldest, newer, ...waiting] });
  expect(decide(some, RULES, NOW)).toMatchObject({ create: 0, delete: [oldest.id], cancel: waiting });
  const two = preset({ instances: 3, prebuilds: [oldest, newer, ...waiting] });
  expect(decide(two, RULES, NOW)).toMatchObject({ create: 0, delete: [], cancel: [waiting[1]] });
});

test("those that are expired or invalidated are replaced", () => {
  const [old, young] = [prebuild(61), prebuild(59)];
  const expires = preset({ ttlSeconds: 3600, prebuilds: [old, young] });
  expect(decide(expires, RULES, NOW)).toMatchObject({ create: 1, delete: [old.id] });
  const invalidated = preset({ invalidatedAtMs: NOW.getTime() - 60 * MINUTE_MS, prebuilds: [old, young] });
  expect(decide(invalidated, RULES, NOW)).toMatchObject({ create: 1, delete: [old.id] });
});

test("of a version that is not active, nothing is kept", () => {
  const [runs, waits] = [prebuild(5), prebuild(1, { status: "pending", endedAtMs: null })];
  const decision = decide(preset({ active: false, prebuilds: [runs, waits] }), RULES, NOW);
  expect(decision).toMatchObject({ desired: 0, create: 0, delete: [runs.id], cancel: [waits] });
});

test("those that somebody has stopped are left alone; a deletion that failed is repeated later", () => {
  const stopped = prebuild(5, { transition: "stop" });
  const recent = prebuild(20, { transition: "delete", status: "failed", endedAtMs: failure(1).endedAtMs });
  const due = prebuild(20, { transition: "delete", status: "failed", endedAtMs: failure(15).endedAtMs });
  const decision = decide(preset({ prebuilds: [stopped, recent, due] }), RULES, NOW);
  expect(decision).toMatchObject({ create: 2, delete: [due.id] });
});

test("the latest failed one is kept until others run", () => {
  const failed = [9, 5].map((age) => prebuild(age, { status: "failed" }));
  expect(decide(preset({ prebuilds: failed }), RULES, NOW).delete).toEqual([failed[0]!.id]);
  const all = [...failed, prebuild(1), prebuild(1)];
  expect(decide(preset({ prebuilds: all }), RULES, NOW).delete).toEqual(failed.map(({ id }) => id));
});

test.each([
  ["the first failure waits for the interval", [failure(0.5)], 0, false],
  ["then it is tried again", [failure(1)], 2, false],
  ["the second one waits twice as long", [failure(1.5), failure(3)], 0, false],
  ["and not longer", [failure(2), failure(5)], 2, false],
  ["those before a success do not count", [failure(1), success(3), failure(4), failure(5)], 2, false],
  ["too many in a row end it", [failure(100), failure(101), failure(102)], 0, true],
])("%s", (_what, attempts, create, hardLimited) => {
  expect(decide(preset({ attempts }), RULES, NOW)).toMatchObject({ create, hardLimited });
});

test("without a limit, only those of the lookback delay the next one", () => {
  const attempts = [failure(61), failure(62), failure(63), failure(64)];
  expect(decide(preset({ attempts }), { ...RULES, failureHardLimit: 0 }, NOW)).toMatchObject({
    create: 2,
    hardLimited: false,
  });
});

test("a schedule covers whole hours in its time zone; the first that fits counts", () => {
  const schedules = [
    { cron: "* 8-17 * * 1-5", instances: 5 },
    { cron: "* 17 * * *", instances: 7 },
  ];
  const at = (time: string) =>
    instancesAt({ instances: 1, timezone: "Europe/Berlin", schedules }, new Date(time));
  // A Friday. Berlin is an hour ahead of UTC in winter, and two in summer.
  expect(at("2026-11-27T06:59:59.999Z")).toBe(1);
  expect(at("2026-11-27T07:00:00Z")).toBe(5);
  expect(at("2026-11-27T16:59:59Z")).toBe(5);
  expect(at("2026-11-27T17:00:00Z")).toBe(1);
  expect(at("2026-07-03T06:00:00Z")).toBe(5);
  // A Saturday.
  expect(at("2026-11-28T16:30:00Z")).toBe(7);
  expect(instancesAt({ instances: 1, timezone: "", schedules: [{ cron: "no", instances: 9 }] }, NOW)).toBe(1);
});

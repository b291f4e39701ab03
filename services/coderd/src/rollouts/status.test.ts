import { type Course, judge, next, nextStepAt, type Outcomes, percentOf } from "./status.js";

const NONE: Outcomes = { succeeded: 0, build: 0, agent: 0, script: 0, undecided: 0 };
const BEGAN = new Date("2030-01-01T00:00:00Z");
const course: Course = {
  status: "running",
  steps: [10, 50, 100],
  step: 0,
  pauseMs: 60_000,
  maxFailurePercent: 20,
  minSamples: 3,
  stepStartedAt: BEGAN,
};
const after = (ms: number) => new Date(BEGAN.getTime() + ms);

test.each<[string, Partial<Course>, Partial<Outcomes>, number, object]>([
  ["the pause is not over", {}, { succeeded: 9 }, 59_999, { act: "none" }],
  ["the pause is over", {}, { succeeded: 1 }, 60_000, { act: "advance" }],
  ["it is the last step", { step: 2 }, { succeeded: 1 }, 60_000, { act: "finish" }],
  ["the last step is below 100", { steps: [10] }, { succeeded: 9 }, 60_000, { act: "none" }],
  ["nothing is known", {}, {}, 60_000, { act: "wait", why: "No workspace has taken the version yet." }],
  [
    "little is known and more is to come",
    {},
    { succeeded: 2, undecided: 1 },
    60_000,
    { act: "wait", why: "1 workspace is still taking the version." },
  ],
  ["enough is known", {}, { succeeded: 3, undecided: 9 }, 60_000, { act: "advance" }],
  [
    "too few failed to stop",
    {},
    { build: 2 },
    60_000,
    {
      act: "wait",
      why: "More than 20% of the workspaces failed, but fewer than 3 have taken the version.",
    },
  ],
  ["exactly the limit failed", {}, { succeeded: 4, script: 1 }, 60_000, { act: "advance" }],
  [
    "more than the limit failed, before the pause is over",
    {},
    { succeeded: 1, build: 1, agent: 1, script: 2 },
    1,
    {
      act: "stop",
      reason:
        "4 of 5 workspaces that took the version failed, more than 20%: 1 failed to build, 1 had an agent that did not connect, 2 had a start script that failed.",
    },
  ],
  [
    "it is paused and fails",
    { status: "paused", maxFailurePercent: 0, minSamples: 1 },
    { build: 1 },
    1,
    {
      act: "stop",
      reason: "1 of 1 workspace that took the version failed, more than 0%: 1 failed to build.",
    },
  ],
  ["it is paused", { status: "paused" }, { succeeded: 9 }, 60_000, { act: "none" }],
  ["it has stopped", { status: "stopped" }, { build: 9 }, 60_000, { act: "none" }],
])("%s", (_, change, outcomes, at, expected) => {
  expect(judge({ ...course, ...change }, { ...NONE, ...outcomes }, 2, after(at))).toEqual(expected);
});

test("a share without workspaces has nothing to wait for", () => {
  expect(judge(course, NONE, 0, after(60_000))).toEqual({ act: "advance" });
});

test("the share by status, and when it grows", () => {
  const at = (status: Course["status"]) => percentOf({ ...course, status, step: 1 });
  expect([at("running"), at("paused"), at("stopped"), at("aborted"), at("superseded")]).toEqual([
    50, 50, 0, 0, 0,
  ]);
  expect(at("finished")).toBe(100);
  expect(nextStepAt(course)).toEqual(after(60_000));
  expect(nextStepAt({ ...course, status: "paused" })).toBeUndefined();
  expect(nextStepAt({ ...course, steps: [10, 50], step: 1 })).toBeUndefined();
});

test("what has ended stays as it is", () => {
  const events = ["pause", "resume", "stop", "finish", "abort", "supersede"] as const;
  for (const status of ["finished", "aborted", "superseded"] as const)
    expect(events.map((event) => next(status, event))).toEqual(events.map(() => undefined));
  expect(next("stopped", "finish")).toBeUndefined();
  expect(next("stopped", "resume")).toBe("running");
});

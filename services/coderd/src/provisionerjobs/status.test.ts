import { isActive, JOB_STATUSES, type JobEvent, next, statusOf } from "./status.js";

const at = new Date();
const none = { startedAt: null, canceledAt: null, completedAt: null, error: null };

test.each([
  [none, "pending"],
  [{ ...none, startedAt: at }, "running"],
  [{ ...none, startedAt: at, canceledAt: at }, "canceling"],
  [{ ...none, startedAt: at, completedAt: at }, "succeeded"],
  [{ ...none, canceledAt: at, completedAt: at }, "canceled"],
  [{ ...none, startedAt: at, canceledAt: at, completedAt: at, error: "broke" }, "failed"],
])("a job's timestamps determine its state", (times, status) => {
  expect(statusOf(times)).toBe(status);
});

test("an ended job does not change state", () => {
  const events: JobEvent[] = ["claimed", "cancel", "completed", "failed", "lost"];
  for (const status of JOB_STATUSES.filter((one) => !isActive(one))) {
    expect(events.map((event) => next(status, event))).toEqual(events.map(() => undefined));
  }
});

test("only a pending job can be claimed", () => {
  expect(JOB_STATUSES.filter((status) => next(status, "claimed") !== undefined)).toEqual(["pending"]);
});

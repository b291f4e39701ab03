import { isEnding, type LifecycleEvent, type LifecycleStatus, next, worst } from "./status.js";

const through = (...events: LifecycleEvent[]) => events.reduce(next, "created" as LifecycleStatus);

test("states from start to shutdown, and failures", () => {
  expect(through({ type: "manifest" })).toBe("starting");
  expect(through({ type: "manifest" }, { type: "started", outcome: "ok" })).toBe("ready");
  expect(through({ type: "manifest" }, { type: "started", outcome: "error" })).toBe("start_error");
  expect(through({ type: "manifest" }, { type: "started", outcome: "timeout" })).toBe("start_timeout");
  expect(through({ type: "shutdown" }, { type: "stopped", outcome: "ok" })).toBe("off");
  expect(through({ type: "shutdown" }, { type: "stopped", outcome: "error" })).toBe("shutdown_error");
  expect(through({ type: "shutdown" }, { type: "stopped", outcome: "timeout" })).toBe("shutdown_timeout");
});

test("start scripts that end while the agent stops do not change the state", () => {
  const status = through({ type: "manifest" }, { type: "shutdown" }, { type: "started", outcome: "ok" });
  expect(status).toBe("shutting_down");
  expect(isEnding(status)).toBe(true);
  expect(next("off", { type: "manifest" })).toBe("off");
  expect(next("off", { type: "shutdown" })).toBe("off");
});

test("an error takes precedence over a timeout, which takes precedence over success", () => {
  expect(worst([])).toBe("ok");
  expect(worst(["ok", "timeout"])).toBe("timeout");
  expect(worst(["timeout", "error", "ok"])).toBe("error");
});

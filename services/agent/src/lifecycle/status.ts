/** Lifecycle states of an agent, as in the REST API. */
export type LifecycleStatus =
  | "created"
  | "starting"
  | "start_timeout"
  | "start_error"
  | "ready"
  | "shutting_down"
  | "shutdown_timeout"
  | "shutdown_error"
  | "off";

export type Outcome = "ok" | "error" | "timeout";

export type LifecycleEvent =
  | { type: "manifest" }
  /** A prebuild got its owner, whose scripts run from the start. */
  | { type: "claimed" }
  | { type: "started"; outcome: Outcome }
  | { type: "shutdown" }
  | { type: "stopped"; outcome: Outcome };

const AFTER_START = { ok: "ready", error: "start_error", timeout: "start_timeout" } as const;
const AFTER_STOP = { ok: "off", error: "shutdown_error", timeout: "shutdown_timeout" } as const;

/** The state after the event; unchanged if the event does not apply. */
export function next(status: LifecycleStatus, event: LifecycleEvent): LifecycleStatus {
  switch (event.type) {
    case "manifest":
      return status === "created" ? "starting" : status;
    case "claimed":
      return isEnding(status) ? status : "starting";
    case "started":
      return status === "starting" ? AFTER_START[event.outcome] : status;
    case "shutdown":
      return isEnding(status) ? status : "shutting_down";
    case "stopped":
      return status === "shutting_down" ? AFTER_STOP[event.outcome] : status;
  }
}

/** True if the agent is shutting down or has shut down. */
export function isEnding(status: LifecycleStatus): boolean {
  switch (status) {
    case "shutting_down":
    case "shutdown_timeout":
    case "shutdown_error":
    case "off":
      return true;
    case "created":
    case "starting":
    case "start_timeout":
    case "start_error":
    case "ready":
      return false;
  }
}

/** The combined outcome of several scripts: an error takes precedence over a timeout. */
export function worst(outcomes: readonly Outcome[]): Outcome {
  if (outcomes.includes("error")) return "error";
  return outcomes.includes("timeout") ? "timeout" : "ok";
}

/** The states of a rollout. The last three are final. */
export type RolloutStatus = "running" | "paused" | "stopped" | "finished" | "aborted" | "superseded";

/** `stop` is what coderd does by itself when too many workspaces fail; `supersede` is another promotion. */
export type RolloutEvent = "pause" | "resume" | "stop" | "finish" | "abort" | "supersede";

const TRANSITIONS: Record<RolloutStatus, Partial<Record<RolloutEvent, RolloutStatus>>> = {
  running: {
    pause: "paused",
    stop: "stopped",
    finish: "finished",
    abort: "aborted",
    supersede: "superseded",
  },
  paused: {
    resume: "running",
    stop: "stopped",
    finish: "finished",
    abort: "aborted",
    supersede: "superseded",
  },
  stopped: { resume: "running", abort: "aborted", supersede: "superseded" },
  finished: {},
  aborted: {},
  superseded: {},
};

/** Undefined if the event is not possible in this state. */
export function next(status: RolloutStatus, event: RolloutEvent): RolloutStatus | undefined {
  return TRANSITIONS[status][event];
}

/** Whether the rollout can still go on. */
export function isOpen(status: RolloutStatus): boolean {
  return Object.keys(TRANSITIONS[status]).length > 0;
}

/** What a rollout's next step is decided by. */
export type Course = {
  status: RolloutStatus;
  /** Percent of the workspaces, ascending. */
  steps: readonly number[];
  step: number;
  pauseMs: number;
  maxFailurePercent: number;
  minSamples: number;
  stepStartedAt: Date;
};

/** How many workspaces took the version, by how each fared. */
export type Outcomes = {
  succeeded: number;
  /** The build failed. */
  build: number;
  /** An agent did not connect in time. */
  agent: number;
  /** A start script failed. */
  script: number;
  undecided: number;
};

export type Verdict =
  | { act: "stop"; reason: string }
  | { act: "advance" }
  | { act: "finish" }
  | { act: "none" }
  /** The next step is due, but does not begin yet. */
  | { act: "wait"; why: string };

/** The share, in percent, for which the rollout's version is active. predicates.ts has the same rule in SQL. */
export function percentOf({ status, steps, step }: Pick<Course, "status" | "steps" | "step">): number {
  if (status === "finished") return 100;
  return status === "running" || status === "paused" ? (steps[step] ?? 0) : 0;
}

/** When the next step is due; undefined if the rollout is not running, or stays at a last step below 100 percent. */
export function nextStepAt(course: Course): Date | undefined {
  const { status, steps, step, stepStartedAt, pauseMs } = course;
  const last = step === steps.length - 1;
  if (status !== "running" || (last && steps[step] !== 100)) return undefined;
  return new Date(stepStartedAt.getTime() + pauseMs);
}

/**
 * What coderd does with the rollout by itself: a step ends when its pause is over and something is known to work.
 * `share` is the number of workspaces for which the version is active.
 */
export function judge(course: Course, outcomes: Outcomes, share: number, now: Date): Verdict {
  const { status, steps, step, maxFailurePercent, minSamples } = course;
  if (status !== "running" && status !== "paused") return { act: "none" };
  const failed = outcomes.build + outcomes.agent + outcomes.script;
  const decided = failed + outcomes.succeeded;
  const failing = failed * 100 > maxFailurePercent * decided;
  if (failing && decided >= minSamples) return { act: "stop", reason: reasonOf(outcomes, maxFailurePercent) };
  const due = nextStepAt(course);
  if (!due || due > now) return { act: "none" };
  if (failing) {
    return {
      act: "wait",
      why: `More than ${maxFailurePercent}% of the workspaces failed, but fewer than ${minSamples} have taken the version.`,
    };
  }
  if (decided < minSamples && outcomes.undecided > 0) {
    return { act: "wait", why: `${workspaces(outcomes.undecided)} taking the version.` };
  }
  if (decided === 0 && share > 0) return { act: "wait", why: "No workspace has taken the version yet." };
  return { act: step === steps.length - 1 ? "finish" : "advance" };
}

function reasonOf(outcomes: Outcomes, maxFailurePercent: number): string {
  const failed = outcomes.build + outcomes.agent + outcomes.script;
  const parts = [
    [outcomes.build, "failed to build"],
    [outcomes.agent, "had an agent that did not connect"],
    [outcomes.script, "had a start script that failed"],
  ] as const;
  const which = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const total = failed + outcomes.succeeded;
  const taken =
    total === 1 ? "1 workspace that took the version" : `${total} workspaces that took the version`;
  return `${failed} of ${taken} failed, more than ${maxFailurePercent}%: ${which.join(", ")}.`;
}

function workspaces(count: number): string {
  return count === 1 ? "1 workspace is still" : `${count} workspaces are still`;
}

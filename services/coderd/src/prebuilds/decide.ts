import { isActive, type JobStatus } from "../provisionerjobs/status.js";
import { type Desired, instancesAt } from "./schedule.js";

/** An unclaimed prebuild and its latest build. */
export type Prebuild = {
  id: string;
  createdAtMs: number;
  transition: "start" | "stop" | "delete";
  status: JobStatus;
  jobId: string;
  /** Null while the build has not ended. */
  endedAtMs: number | null;
};

/** What the prebuilds of a preset depend on. */
export type PresetFacts = Desired & {
  /** Its version is the template's active one, of which workspaces can be created. */
  active: boolean;
  /** Seconds; 0 for never. */
  ttlSeconds: number;
  /** Earlier prebuilds are replaced. */
  invalidatedAtMs: number | null;
  /** Oldest first. */
  prebuilds: readonly Prebuild[];
  /** The latest first builds that have ended since the preset was invalidated, newest first. */
  attempts: readonly { failed: boolean; endedAtMs: number }[];
};

export type PrebuildRules = {
  /** How long after a failure the next prebuild is built, times the number of failures in a row. */
  backoffIntervalMs: number;
  /** How long a failure counts for the backoff. */
  backoffLookbackMs: number;
  /** Failures in a row after which no more are built; 0 for no limit. */
  failureHardLimit: number;
};

/** What to do so that the preset has the prebuilds that it wants. */
export type Decision = {
  desired: number;
  create: number;
  delete: string[];
  /** Builds that have not started yet. */
  cancel: Prebuild[];
  hardLimited: boolean;
};

/** How long after a failed deletion it is tried again. */
const DELETE_AGAIN_MS = 15 * 60_000;

/** Compares the prebuilds of a preset with what it wants. */
export function decide(preset: PresetFacts, rules: PrebuildRules, now: Date): Decision {
  const nowMs = now.getTime();
  const desired = preset.active ? instancesAt(preset, now) : 0;
  const { starting, running, failed, undeleted } = sorted(preset.prebuilds, nowMs);
  const [expired, fresh] = partition(running, (prebuild) => isExpired(prebuild, preset, nowMs));
  const pending = starting.filter(({ status }) => status === "pending");

  const surplus = Math.max(0, fresh.length + starting.length - desired);
  // The newest first: the oldest is the first to be ready.
  const cancel = pending.slice(Math.max(0, pending.length - surplus));
  const surplusFresh = Math.max(0, fresh.length - desired);
  // The latest failed one is kept for its log, as long as nothing has replaced it.
  const keepFailure = preset.active && desired > fresh.length;
  const gone = keepFailure ? failed.slice(0, -1) : failed;

  const inRow = failuresInRow(preset.attempts);
  const hardLimited = rules.failureHardLimit > 0 && inRow.length >= rules.failureHardLimit;
  const recent = inRow.filter(({ endedAtMs }) => nowMs - endedAtMs < rules.backoffLookbackMs);
  const retryAtMs = recent[0] ? recent[0].endedAtMs + recent.length * rules.backoffIntervalMs : 0;
  const missing = Math.max(0, desired - fresh.length - starting.length);
  return {
    desired,
    create: hardLimited || nowMs < retryAtMs ? 0 : missing,
    delete: [...expired, ...fresh.slice(0, surplusFresh), ...gone, ...undeleted].map(({ id }) => id),
    cancel,
    hardLimited,
  };
}

/** Whether a prebuild is too old to be claimed. */
export function isExpired(
  { createdAtMs }: Pick<Prebuild, "createdAtMs">,
  { ttlSeconds, invalidatedAtMs }: Pick<PresetFacts, "ttlSeconds" | "invalidatedAtMs">,
  nowMs: number,
): boolean {
  if (invalidatedAtMs !== null && createdAtMs <= invalidatedAtMs) return true;
  return ttlSeconds > 0 && createdAtMs + ttlSeconds * 1000 <= nowMs;
}

/** By what is to be done with them. Those that somebody stopped are left alone. */
function sorted(prebuilds: readonly Prebuild[], nowMs: number) {
  const starts = prebuilds.filter(({ transition }) => transition === "start");
  const starting = starts.filter(({ status }) => isActive(status));
  const running = starts.filter(({ status }) => status === "succeeded");
  const failed = starts.filter(({ status }) => status === "failed" || status === "canceled");
  const undeleted = prebuilds.filter(
    ({ transition, status, endedAtMs }) =>
      transition === "delete" &&
      (status === "failed" || status === "canceled") &&
      nowMs - (endedAtMs ?? nowMs) >= DELETE_AGAIN_MS,
  );
  return { starting, running, failed, undeleted };
}

/** The failures since the last success, newest first. */
function failuresInRow(attempts: PresetFacts["attempts"]) {
  const success = attempts.findIndex(({ failed }) => !failed);
  return success < 0 ? attempts : attempts.slice(0, success);
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

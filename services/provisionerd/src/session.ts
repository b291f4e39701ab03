import {
  type Clock,
  createBackoff,
  errorMessage,
  FleetError,
  isFleetError,
  type Logger,
  RECONNECT,
} from "@fleet/base";
import type { Evaluate, Evaluated, SessionResponse } from "@fleet/proto-gen/provisioner";
import type { CoderdClient } from "./coderd-client.js";
import type { Warning } from "./warnings.js";

export type Identity = {
  /** A UUID that this process generates at startup. */
  daemonId: string;
  name: string;
  version: string;
  provisioners: readonly string[];
  tags: Readonly<Record<string, string>>;
  slots: number;
  /** Maximum concurrent evaluations; 0 for a daemon that cannot evaluate. */
  evaluationSlots: number;
  /** Name or ID; empty for the default organization. */
  organization: string;
};

/** The daemon's settings, as sent by coderd. */
export type DaemonSettings = {
  queues: readonly string[];
  /** How long terraform gets to exit after an interrupt before it is killed. */
  forceCancelIntervalMs: number;
  /** coderd abandons a job after this long without an update. */
  jobLostAfterMs: number;
};

export type SessionOptions = {
  client: CoderdClient;
  identity: Identity;
  running(): readonly string[];
  /** Current problems of the daemon. */
  warnings(): Warning[];
  /** The reason for an error of the connection, if more is known than the error says. */
  explain?: ((error: unknown) => unknown) | undefined;
  /** Called with coderd's settings. */
  onSettings(settings: DaemonSettings): void;
  /** Called for each evaluation that coderd asks for; `answer` sends its outcome. */
  onEvaluate(request: Evaluate, answer: (outcome: Evaluated["outcome"]) => void): void;
  /** Nobody waits for this evaluation any more. */
  onCancelEvaluation(id: string): void;
  /** Called when coderd becomes unreachable: no jobs should be taken. */
  onBreak(): void;
  clock: Clock;
  logger: Logger;
};

const DEFAULT_HEARTBEAT_MS = 5_000;
/**
 * Maximum delay between attempts. Short, because no jobs are taken without a session and another replica is soon found.
 */
const RECONNECT_MAX_MS = 2_000;
/** Delay after a refusal by coderd: the key was deleted, or the user may no longer run the daemon. */
const REFUSED_MS = 15_000;

/**
 * Keeps the daemon's Session stream open until the signal aborts: registers, sends heartbeats, and registers again
 * after a disconnect. Rejects if coderd refuses the daemon at the first attempt, because retrying would not help.
 */
export async function holdSession(options: SessionOptions, signal: AbortSignal): Promise<void> {
  const { client, identity, clock, logger, explain = (error) => error } = options;
  const backoff = createBackoff({ ...RECONNECT, maxMs: RECONNECT_MAX_MS });
  let accepted = false;
  const state = () => ({ runningJobIds: [...options.running()], warnings: options.warnings() });

  async function once(): Promise<void> {
    const stream = client.session();
    const leave = () => stream.end();
    signal.addEventListener("abort", leave, { once: true });
    let interval = 0;
    let heartbeat = { cancel() {} };
    const beatEach = (ms: number) => {
      if (ms === interval) return;
      interval = ms;
      heartbeat.cancel();
      heartbeat = clock.every(ms, () => {
        stream.send({ message: { case: "heartbeat", value: state() } }).catch(() => {});
      });
    };
    try {
      const register = {
        ...identity,
        provisioners: [...identity.provisioners],
        tags: { ...identity.tags },
        ...state(),
      };
      await stream.send({ message: { case: "register", value: register } });
      for await (const response of stream) {
        const { evaluate, cancelEvaluation } = response;
        if (cancelEvaluation) options.onCancelEvaluation(cancelEvaluation);
        if (evaluate) {
          options.onEvaluate(evaluate, (outcome) => {
            const value = { id: evaluate.id, outcome };
            stream.send({ message: { case: "evaluated", value } }).catch(() => {});
          });
        }
        if (evaluate || cancelEvaluation) continue;
        if (!accepted) logger.info("Registered with coderd.", { queues: response.queues.length });
        accepted = true;
        backoff.reset();
        beatEach(response.heartbeatIntervalMs || DEFAULT_HEARTBEAT_MS);
        if (!signal.aborted) options.onSettings(settingsOf(response));
      }
    } finally {
      heartbeat.cancel();
      signal.removeEventListener("abort", leave);
      options.onBreak();
    }
  }

  while (!signal.aborted) {
    let delayMs = backoff.next();
    try {
      await once();
    } catch (caught) {
      const error = explain(caught);
      const refused = isFleetError(error, "unauthenticated", "permission_denied", "invalid_argument");
      if (!accepted && refused) throw error;
      if (refused) delayMs = REFUSED_MS;
      if (!signal.aborted)
        logger.warn("Could not connect to coderd; retrying.", { error: errorMessage(error), delayMs });
    }
    if (!signal.aborted) await clock.sleep(delayMs, signal).catch(() => {});
  }
}

function settingsOf({ queues, forceCancelIntervalMs, jobLostAfterMs }: SessionResponse): DaemonSettings {
  if (jobLostAfterMs <= 0n || forceCancelIntervalMs <= 0n) {
    throw new FleetError(
      "failed_precondition",
      "coderd did not send the job heartbeat timeout. Upgrade coderd and provisionerd to the same version.",
    );
  }
  return {
    queues,
    forceCancelIntervalMs: Number(forceCancelIntervalMs),
    jobLostAfterMs: Number(jobLostAfterMs),
  };
}

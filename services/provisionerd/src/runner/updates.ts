import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  abortable,
  type Clock,
  createBackoff,
  errorMessage,
  FleetError,
  isFleetError,
  type Logger,
  RECONNECT,
  type Timer,
} from "@fleet/base";
import {
  LogLevel,
  type LogSchema,
  LogSource,
  type UpdateJobRequest,
  UpdateJobRequestSchema,
  type VariableValue,
} from "@fleet/proto-gen/provisioner";
import type { TemplateVariableInit, TimingInit } from "@fleet/provisionersdk";
import type { CoderdClient } from "../coderd-client.js";
import type { Stopwatch } from "../stopwatch.js";
import type { JobLease } from "./lease.js";

/** Logs wait at most this long to be sent. */
export const FLUSH_MS = 250;
/** Bytes of log lines that wait to be acknowledged; beyond it, lines are left out and counted. */
export const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** A longer line is cut. */
export const MAX_LINE_CHARS = 32 * 1024;
/** The state is sent at most this often while apply runs. */
export const CHECKPOINT_MS = 2_000;
/** How long the end of a job waits for the stream to acknowledge what it was sent. */
const SETTLE_MS = 2_000;

/** Made once: an abort without a reason makes an exception with a stack, for each job. */
const ENDED = new FleetError("canceled", "The job has completed.");

type LogInit = MessageInitShape<typeof LogSchema>;

export type JobUpdates = {
  stage(name: string): void;
  log(level: LogLevel, output: string, source?: LogSource): void;
  timing(timing: TimingInit): void;
  checkpoint(state: Uint8Array): void;
  /** Tells what the template declares; resolves with the values that the user has for its variables. */
  ask(variables: TemplateVariableInit[], readme: string, signal: AbortSignal): Promise<VariableValue[]>;
  /** Ends the stream. Gives what was not acknowledged, to ride with the job's end. */
  finish(): Promise<UpdateJobRequest[]>;
  /** Ends the stream and forgets everything. */
  abandon(): void;
};

export type JobUpdatesOptions = {
  client: Pick<CoderdClient, "updateJob">;
  jobId: string;
  daemonId: string;
  onCanceled(): void;
  /** The job belongs to somebody else. */
  onLost(): void;
  /** Is told what coderd has acknowledged, and says how often to beat. */
  lease: Pick<JobLease, "heard" | "beatMs">;
  stopwatch: Pick<Stopwatch, "readMs">;
  clock: Clock;
  logger: Logger;
};

/**
 * A job's UpdateJob stream. It opens with the first flush, so a job that is quicker than that needs none. Messages are
 * numbered and kept until they are acknowledged; after a break they are sent again in order.
 */
export function createJobUpdates(options: JobUpdatesOptions): JobUpdates {
  const { client, jobId, daemonId, clock, logger } = options;
  const backoff = createBackoff(RECONNECT);
  const ended = new AbortController();
  let stage = "";
  let logs: LogInit[] = [];
  let timings: TimingInit[] = [];
  let checkpoint: Uint8Array | undefined;
  let checkpointSentAt = 0;
  let unacknowledged: { message: UpdateJobRequest; sentAtMs: number }[] = [];
  let waitingBytes = 0;
  let leftOut = 0;
  let sequence = 0n;
  let stream: ReturnType<CoderdClient["updateJob"]> | undefined;
  let finishing = false;
  let streamDone: Promise<void> = Promise.resolve();
  let question: { sequence: bigint; answer(values: VariableValue[]): void } | undefined;
  let timer: Timer | undefined = clock.after(FLUSH_MS, flush);
  const heartbeat = clock.every(options.lease.beatMs, () => {
    if (stream && unacknowledged.length === 0) flush();
  });

  function schedule(ms = FLUSH_MS): void {
    timer ??= clock.after(ms, flush);
  }

  function collect(extra: Partial<UpdateJobRequest> = {}): UpdateJobRequest {
    const message = create(UpdateJobRequestSchema, { jobId, daemonId, sequence: ++sequence, logs, timings });
    Object.assign(message, extra);
    logs = [];
    timings = [];
    const now = clock.now().getTime();
    if (checkpoint && (finishing || now - checkpointSentAt >= CHECKPOINT_MS)) {
      // An older state that is still under way has no worth beside this one.
      for (const older of unacknowledged) older.message.checkpointState = new Uint8Array();
      message.checkpointState = checkpoint;
      checkpoint = undefined;
      checkpointSentAt = now;
    }
    unacknowledged.push({ message, sentAtMs: options.stopwatch.readMs() });
    return message;
  }

  function flush(extra?: Partial<UpdateJobRequest>): void {
    timer?.cancel();
    timer = undefined;
    if (ended.signal.aborted) return;
    const message = collect(extra);
    if (stream) void stream.send(message).catch(() => {});
    else if (!finishing) streamDone = holdStream();
    if (checkpoint) schedule(CHECKPOINT_MS);
  }

  async function holdStream(): Promise<void> {
    while (!ended.signal.aborted && !(finishing && !stream)) {
      stream = client.updateJob({ signal: ended.signal });
      try {
        for (const { message } of unacknowledged) void stream.send(message).catch(() => {});
        if (finishing) stream.end();
        for await (const response of stream) {
          backoff.reset();
          acknowledge(response.acknowledged);
          if (question && response.acknowledged >= question.sequence)
            question.answer(response.variableValues);
          if (response.canceled) options.onCanceled();
          if (response.lost) {
            abandon();
            options.onLost();
          }
        }
      } catch (error) {
        if (isFleetError(error, "not_found", "failed_precondition", "permission_denied")) {
          abandon();
          options.onLost();
        } else if (!ended.signal.aborted) {
          logger.debug("Lost the stream of job updates; reconnecting.", {
            error: errorMessage(error),
          });
        }
      }
      stream = undefined;
      if (finishing || ended.signal.aborted) return;
      await clock.sleep(backoff.next(), ended.signal).catch(() => {});
    }
  }

  function acknowledge(upTo: bigint): void {
    while (unacknowledged[0] !== undefined && unacknowledged[0].message.sequence <= upTo) {
      const { message, sentAtMs } = unacknowledged.shift()!;
      waitingBytes -= bytesOf(message.logs);
      options.lease.heard(sentAtMs);
    }
  }

  function stop(): void {
    timer?.cancel();
    timer = undefined;
    heartbeat.cancel();
  }

  function abandon(): void {
    stop();
    unacknowledged = [];
    ended.abort(ENDED);
  }

  function log(level: LogLevel, output: string, source = LogSource.PROVISIONER): void {
    // A database's text holds every character but this one.
    const whole = output.replaceAll("\0", "\uFFFD");
    const line = whole.length > MAX_LINE_CHARS ? `${whole.slice(0, MAX_LINE_CHARS)}…` : whole;
    const entry = { source, level, createdAt: timestampFromDate(clock.now()), stage, output: line };
    if (waitingBytes + line.length > MAX_WAITING_BYTES) {
      leftOut += 1;
      return;
    }
    if (leftOut > 0) {
      const notice = `${leftOut} lines were dropped because the server fell too far behind.`;
      logs.push({ ...entry, output: notice });
      waitingBytes += notice.length;
      leftOut = 0;
    }
    logs.push(entry);
    waitingBytes += line.length;
    schedule();
  }

  return {
    log,
    stage(name) {
      stage = name;
      log(LogLevel.INFO, "", LogSource.PROVISIONER_DAEMON);
    },
    timing(timing) {
      timings.push(timing);
      schedule();
    },
    checkpoint(state) {
      checkpoint = state;
      schedule();
    },
    async ask(variables, readme, signal) {
      const answer = new Promise<VariableValue[]>((resolve) => {
        question = { sequence: sequence + 1n, answer: resolve };
      });
      const { templateVariables } = create(UpdateJobRequestSchema, { templateVariables: variables });
      flush({ templateVariables, readme });
      return abortable(answer, signal);
    },
    async finish() {
      finishing = true;
      stop();
      if (logs.length > 0 || timings.length > 0 || checkpoint) {
        const message = collect();
        if (stream) void stream.send(message).catch(() => {});
      }
      if (stream) {
        stream.end();
        await Promise.race([streamDone, clock.sleep(SETTLE_MS)]);
      }
      ended.abort(ENDED);
      return unacknowledged.map(({ message }) => message);
    },
    abandon,
  };
}

function bytesOf(logs: readonly { output: string }[]): number {
  return logs.reduce((sum, log) => sum + log.output.length, 0);
}

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
import type { Mask } from "./mask.js";

/** How long logs may be buffered before they are sent. */
export const FLUSH_MS = 250;
/** Maximum bytes of unacknowledged log lines; further lines are dropped and counted. */
export const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** Longer lines are truncated. */
export const MAX_LINE_CHARS = 32 * 1024;
/** Minimum interval between state checkpoints during apply. */
export const CHECKPOINT_MS = 2_000;
/** How long the end of a job waits for acknowledgments. */
const SETTLE_MS = 2_000;

/** Created once: aborting without a reason would create an exception with a stack for each job. */
const ENDED = new FleetError("canceled", "The job has completed.");

type LogInit = MessageInitShape<typeof LogSchema>;

export type JobUpdates = {
  stage(name: string): void;
  log(level: LogLevel, output: string, source?: LogSource): void;
  timing(timing: TimingInit): void;
  checkpoint(state: Uint8Array): void;
  /** Sends the template's variables; resolves with the user's values for them. */
  ask(variables: TemplateVariableInit[], readme: string, signal: AbortSignal): Promise<VariableValue[]>;
  /** Ends the stream. Returns unacknowledged updates, to be sent with the job's result. */
  finish(): Promise<UpdateJobRequest[]>;
  /** Ends the stream and discards everything. */
  abandon(): void;
};

export type JobUpdatesOptions = {
  client: Pick<CoderdClient, "updateJob">;
  jobId: string;
  daemonId: string;
  onCanceled(): void;
  /** Called when the job belongs to another daemon. */
  onLost(): void;
  /** Notified of what coderd has acknowledged; provides the heartbeat interval. */
  lease: Pick<JobLease, "heard" | "beatMs">;
  stopwatch: Pick<Stopwatch, "readMs">;
  clock: Clock;
  /** Hides the job's secrets in its log. */
  mask: Pick<Mask, "apply">;
  logger: Logger;
};

/**
 * A job's UpdateJob stream. Opened by the first flush, so very short jobs do not need one. Messages are numbered and
 * kept until acknowledged; after a disconnect they are sent again in order.
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
      // This state replaces any older one that is not acknowledged.
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
    // Postgres text cannot contain NUL.
    const whole = options.mask.apply(output.replaceAll("\0", "\uFFFD"));
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

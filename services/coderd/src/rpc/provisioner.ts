import { create } from "@bufbuild/protobuf";
import { abortable, DAEMON_KEY_HEADER, DAEMON_PSK_HEADER, FleetError, SESSION_HEADER } from "@fleet/base";
import { addService, type CallContext, type Handlers } from "@fleet/proto-gen";
import {
  type CompleteJobRequest,
  type DaemonWarning as DaemonWarningMessage,
  type Evaluated,
  type FailJobRequest,
  JobSchema,
  ProvisionerDaemonService,
  type SessionRequest_Heartbeat,
  type UpdateJobRequest,
} from "@fleet/proto-gen/provisioner";
import type * as grpc from "@grpc/grpc-js";
import type { Archives } from "../archives/service.js";
import type { ApplyGate } from "../builds/apply-gate.js";
import { fromEvaluated, toEvaluate } from "../convert/evaluations.js";
import {
  fromImport,
  fromPlan,
  fromPlanResult,
  fromResource,
  fromTiming,
  fromUpdate,
  toBuildJob,
  toDryRunJob,
  toImportJob,
  toJob,
  toPlanJob,
} from "../convert/provisioner.js";
import type { AttachedDaemon, Dispatcher } from "../evaluations/dispatcher.js";
import type { StreamGrant, StreamGrants } from "../grants/service.js";
import type { Kinds } from "../job-kinds.js";
import { credentialOf, type DaemonCredentials, type DaemonKey } from "../provisionerdaemons/service.js";
import type { DaemonWarning } from "../provisionerdaemons/store.js";
import type { Assigned } from "../provisionerjobs/assignments.js";
import type { ClaimedJob } from "../provisionerjobs/store.js";
import { createArchiveHandlers } from "./archives.js";
import { createJobUpdates, type JobUpdatesOptions } from "./job-updates.js";
import { requireFew, SILENCE_MS, silent } from "./limits.js";

type Service = Handlers<(typeof ProvisionerDaemonService)["method"]>;

const HEARTBEAT_MS = 5_000;
const CHUNK_BYTES = 64 * 1024;
/** Maximum concurrent evaluations of one daemon. */
const MAX_EVALUATIONS = 100;

export type ProvisionerRpcOptions = JobUpdatesOptions & {
  archives: Archives;
  applyGate: ApplyGate;
  dispatcher: Dispatcher;
  grants: StreamGrants;
  accessUrl: string;
  forceCancelIntervalMs: number;
  jobLostAfterMs: number;
  /** Called with jobs that daemons have claimed. */
  onClaim?(jobs: readonly ClaimedJob[]): void;
  /** Logging, metrics and tracing of each call. */
  observe?: Parameters<typeof addService>[3];
};

/** Serves coder.provisioner.v1.ProvisionerDaemonService. */
export function serveProvisioners(
  server: Pick<grpc.Server, "addService">,
  options: ProvisionerRpcOptions,
): void {
  addService(server, ProvisionerDaemonService, createHandlers(options), options.observe);
}

function createHandlers(options: ProvisionerRpcOptions): Service {
  const { provisionerDaemons: daemons, assignments, grants, clock, logger } = options;
  const followUpdates = createJobUpdates(options);

  function authenticate({ metadata }: CallContext): Promise<DaemonKey> {
    return daemons.authenticate(credentialsIn((name) => metadata.get(name)[0]?.toString()));
  }

  /**
   * The stream's authenticated daemon key; the signal aborts with the reason when the key, or its user's right to run
   * the daemon that `serves` names, ends.
   */
  async function hold(stream: CallContext) {
    const decidedAtMs = grants.now();
    const key = await authenticate(stream);
    const revoked = new AbortController();
    let daemonId: string | undefined;
    const ask = async () => {
      const current = await authenticate(stream);
      if (daemonId !== undefined) await daemons.requireKeyHolder(current, daemonId);
      return current;
    };
    const release = grants.hold(daemonGrant(key, ask), decidedAtMs, (reason) => revoked.abort(reason));
    return {
      key,
      revoked: revoked.signal,
      serves(id: string) {
        daemonId = id;
      },
      [Symbol.dispose]: release,
    };
  }

  async function complete(key: DaemonKey, request: CompleteJobRequest): Promise<void> {
    await daemons.requireKeyHolder(key, request.daemonId);
    await assignments.complete(completionOf(request));
  }

  return {
    ...createArchiveHandlers({ archives: options.archives, daemons, authenticate, hold, clock }),

    async session(stream) {
      using held = await hold(stream);
      const { key, revoked } = held;
      const messages = stream[Symbol.asyncIterator]();
      const first = await abortable(messages.next(), revoked);
      if (first.done || first.value.message.case !== "register") {
        throw new FleetError("invalid_argument", "The first message of a session must be a registration.");
      }
      const { daemonId, ...registration } = first.value.message.value;
      const warnings = registration.warnings.map(fromWarning);
      const daemon = await daemons.register(key, { ...registration, id: daemonId, warnings });
      held.serves(daemonId);
      const log = logger.child({ daemonId, daemon: daemon.name });
      log.info("provisioner registered");

      const ended = new AbortController();
      const signal = AbortSignal.any([stream.signal, ended.signal, revoked]);
      using evaluator = options.dispatcher.attach({
        ...daemon,
        slots: Math.min(registration.evaluationSlots, MAX_EVALUATIONS),
        send(work) {
          stream.send({ evaluate: toEvaluate(work, options.accessUrl) }).catch(() => {});
        },
        cancel(id) {
          stream.send({ cancelEvaluation: id }).catch(() => {});
        },
      });
      const beats = receiveBeats(messages, { daemonId, warnings, evaluator }, signal).finally(() =>
        ended.abort(),
      );
      const answers = sendQueues();
      try {
        await Promise.all([beats, answers]);
      } finally {
        ended.abort();
      }
      // The daemon disconnected gracefully; after a broken stream it is expected to reconnect.
      if (!stream.signal.aborted) {
        await daemons.leave(daemonId);
        log.info("provisioner disconnected");
      }
      revoked.throwIfAborted();

      async function sendQueues(): Promise<void> {
        for await (const queues of daemons.queues(daemon, signal)) {
          await stream.send({
            queues,
            heartbeatIntervalMs: HEARTBEAT_MS,
            forceCancelIntervalMs: BigInt(options.forceCancelIntervalMs),
            jobLostAfterMs: BigInt(options.jobLostAfterMs),
          });
        }
      }
    },

    async offerJobs({ daemonId, limit }, context) {
      const key = await authenticate(context);
      return { jobIds: await daemons.offers(key, daemonId, limit, context.signal) };
    },

    async acquireJobs({ jobIds, daemonId, asksBeforeApply }, context) {
      const key = await authenticate(context);
      requireFew(jobIds);
      // The claim itself compares keys; what a user may do is not in the database.
      if (key.user) await daemons.requireKeyHolder(key, daemonId);
      const holder = credentialOf(key);
      const claims = jobIds.map((jobId) =>
        assignments.claim({ jobId, daemonId, ...holder, asksBeforeApply }),
      );
      const assigned = (await Promise.all(claims)).filter((job) => job !== undefined);
      options.onClaim?.(assigned.map(({ job }) => job));
      return { jobs: assigned.map((job) => create(JobSchema, jobOf(job, options.accessUrl))) };
    },

    async updateJob(stream) {
      using held = await hold(stream);
      await followUpdates(stream, held);
    },

    async commitQuota({ jobId, daemonId, dailyCost, plan }, context) {
      await daemons.requireKeyHolder(await authenticate(context), daemonId);
      const { ok, consumed, budget, warnings } = await options.applyGate.pass({
        jobId,
        daemonId,
        dailyCost,
        plan: plan && fromPlan(plan),
      });
      return { ok, creditsConsumed: consumed, budget, warnings };
    },

    async completeJob(request, context) {
      await complete(await authenticate(context), request);
      return {};
    },

    async completeJobs({ jobs }, context) {
      const key = await authenticate(context);
      requireFew(jobs);
      const ends = await Promise.allSettled(jobs.map((job) => complete(key, job)));
      const failed = ends.find((end) => end.status === "rejected");
      if (failed) throw failed.reason;
      return {};
    },

    async failJob(request, context) {
      await daemons.requireKeyHolder(await authenticate(context), request.daemonId);
      await assignments.fail(failureOf(request));
      return {};
    },

    async downloadFile({ fileId }, stream) {
      using held = await hold(stream);
      const { key, revoked } = held;
      const data = await daemons.file(key, fileId);
      if (!data)
        throw new FleetError(
          "not_found",
          "The template's archive no longer exists. Push the template again.",
        );
      for (let start = 0; start < data.length; start += CHUNK_BYTES) {
        revoked.throwIfAborted();
        await stream.send({ chunk: data.subarray(start, start + CHUNK_BYTES) });
      }
    },
  };

  async function receiveBeats(
    messages: AsyncIterator<{ message: { case?: string; value?: unknown } }>,
    {
      daemonId,
      warnings,
      evaluator,
    }: { daemonId: string; warnings: DaemonWarning[]; evaluator: AttachedDaemon },
    signal: AbortSignal,
  ): Promise<void> {
    let known = JSON.stringify(warnings);
    const silence = new AbortController();
    let timer = clock.after(SILENCE_MS, () => silence.abort(silent()));
    try {
      for (;;) {
        const next = await abortable(messages.next(), AbortSignal.any([signal, silence.signal]));
        timer.cancel();
        timer = clock.after(SILENCE_MS, () => silence.abort(silent()));
        if (next.done) return;
        const { message } = next.value;
        if (message.case === "evaluated") answerEvaluation(message.value as Evaluated, evaluator);
        if (message.case !== "heartbeat") continue;
        const beat = message.value as SessionRequest_Heartbeat;
        await daemons.beat(daemonId, beat.runningJobIds);
        const said = beat.warnings.map(fromWarning);
        if (JSON.stringify(said) === known) continue;
        await daemons.warn(daemonId, said);
        known = JSON.stringify(said);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      timer.cancel();
    }
  }
}

/** A daemon's credentials, from the metadata of a call or the headers of a request. */
export function credentialsIn(header: (name: string) => string | undefined): DaemonCredentials {
  return {
    key: header(DAEMON_KEY_HEADER),
    psk: header(DAEMON_PSK_HEADER),
    session: header(SESSION_HEADER),
  };
}

/** The grant of what a daemon opened with this key; `ask` authenticates it again. */
export function daemonGrant({ id, user }: DaemonKey, ask: () => Promise<DaemonKey>): StreamGrant {
  return {
    subjects: user ? [`user:${user.userId}`, `key:${user.apiKeyId}`] : [`provisioner_key:${id}`],
    expiresAtMs: user?.expiresAt.getTime(),
    ask: async () => ({ expiresAt: (await ask()).user?.expiresAt }),
  };
}

function answerEvaluation({ id, outcome }: Evaluated, evaluator: AttachedDaemon): void {
  if (outcome.case === "parameters") evaluator.answer(id, fromEvaluated(outcome.value));
  else evaluator.answer(id, { error: outcome.value || "The provisioner did not evaluate the parameters." });
}

function fromWarning({ code, message }: DaemonWarningMessage): DaemonWarning {
  return { code, message };
}

function jobOf(assigned: Assigned<Kinds>, accessUrl: string) {
  switch (assigned.type) {
    case "workspace_build":
      return toJob(assigned.job, toBuildJob(assigned.work, accessUrl));
    case "template_version_import":
      return toJob(assigned.job, toImportJob(assigned.work, accessUrl));
    case "template_version_dry_run":
      return toJob(assigned.job, toDryRunJob(assigned.work, accessUrl));
    case "workspace_plan":
      return toJob(assigned.job, toPlanJob(assigned.work, accessUrl));
  }
}

function completionOf(request: CompleteJobRequest) {
  const { jobId, daemonId, type } = request;
  const common = {
    jobId,
    daemonId,
    updates: request.updates.map(fromUpdate),
    timings: request.timings.flatMap(fromTiming),
  };
  switch (type.case) {
    case "workspaceBuild": {
      const { state, resources } = type.value;
      return {
        ...common,
        type: "workspace_build" as const,
        result: { state, resources: resources.map(fromResource) },
      };
    }
    case "templateImport":
      return { ...common, type: "template_version_import" as const, result: fromImport(type.value) };
    case "templateDryRun": {
      const resources = type.value.resources.map(fromResource);
      const { plan, dailyCost } = type.value;
      const result = { resources, plan: plan && fromPlan(plan), dailyCost };
      return { ...common, type: "template_version_dry_run" as const, result };
    }
    case "workspacePlan":
      return { ...common, type: "workspace_plan" as const, result: fromPlanResult(type.value) };
    case undefined:
      throw new FleetError("invalid_argument", "The job's result is missing. Upgrade the provisioner.");
  }
}

function failureOf(request: FailJobRequest) {
  const { jobId, daemonId, error, errorCode, shutDown, state, resources } = request;
  return {
    jobId,
    daemonId,
    error,
    errorCode,
    shutDown,
    updates: request.updates.map(fromUpdate),
    timings: request.timings.flatMap(fromTiming),
    // Even a checkpoint that did not arrive separately is the last known state.
    result: { state: state ?? lastCheckpoint(request.updates), resources: resources.map(fromResource) },
  };
}

function lastCheckpoint(updates: readonly UpdateJobRequest[]): Uint8Array | undefined {
  return updates.findLast(({ checkpointState }) => checkpointState.length > 0)?.checkpointState;
}

import { createHash, randomUUID } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { FleetError } from "@fleet/base";
import { addService } from "@fleet/proto-gen";
import {
  type CompleteJobRequest,
  type FailJobRequest,
  JobSchema,
  type Log,
  LogSource,
  ProvisionerDaemonService,
  type SessionRequest_Heartbeat,
  type SessionRequest_Register,
  type Timing,
  type UpdateJobRequest,
  type VariableValueSchema,
} from "@fleet/proto-gen/provisioner";
import { TAR_MIMETYPE } from "@fleet/provisionersdk";
import * as grpc from "@grpc/grpc-js";
import { Queue } from "bullmq";
import { Redis } from "ioredis";

import { createTestArchives, type TestArchives } from "./archives.js";

type JobInit = MessageInitShape<typeof JobSchema>;

/** The result of one job, as coderd would store it. */
export type JobRecord = {
  job: JobInit;
  acquiredBy: string[];
  updates: UpdateJobRequest[];
  logs: Log[];
  timings: Timing[];
  stored: bigint;
  checkpoint: Uint8Array | undefined;
  completed: CompleteJobRequest | undefined;
  failed: FailJobRequest | undefined;
  /** Answers of UpdateJob; `tell` changes and sends them. */
  canceled: boolean;
  lost: boolean;
  tell(answer: { canceled?: boolean; lost?: boolean }): void;
};

export type TestCoderdOptions = {
  redisUrl: string;
  prefix: string;
  psk?: string;
  forceCancelIntervalMs?: number;
  jobLostAfterMs?: number;
  /** Shared with another one, as between two daemons of one deployment. */
  archives?: TestArchives;
};

/**
 * coderd's side of the provisioner contract, over real gRPC and a real queue, with in-memory storage instead of
 * Postgres. The daemon's tests use it because the daemon may not depend on coderd.
 */
export async function createTestCoderd(options: TestCoderdOptions) {
  const queueName = "provisioner-test";
  const connection = new Redis(options.redisUrl, { maxRetriesPerRequest: null });
  connection.on("error", () => {});
  const queue = new Queue(queueName, { connection, prefix: `${options.prefix}:bull` });
  queue.on("error", () => {});
  const jobs = new Map<string, JobRecord>();
  const files = new Map<string, Uint8Array>();
  const registrations: SessionRequest_Register[] = [];
  const heartbeats: SessionRequest_Heartbeat[] = [];
  const answers = {
    variableValues: [] as MessageInitShape<typeof VariableValueSchema>[],
    /** This many claims and downloads are processed without an answer. */
    lost: 0,
    /** Thrown by CompleteJob. */
    refusal: undefined as FleetError | undefined,
    /** Thrown by OfferJobs. */
    offerRefusal: undefined as FleetError | undefined,
    quota: { ok: true, creditsConsumed: 0, budget: 100 },
  };
  const costs: number[] = [];
  const archives = options.archives ?? createTestArchives();
  /** IDs for daemons that do not use the queue. */
  const offered: string[] = [];
  const asked: number[] = [];
  let wake = () => {};
  const listeners = new Map<string, () => void>();
  let server = new grpc.Server();
  let port = 0;

  function recordOf(id: string): JobRecord {
    const record = jobs.get(id);
    if (!record) throw new FleetError("not_found", "This job is gone.");
    return record;
  }

  function store(record: JobRecord, update: UpdateJobRequest): void {
    if (update.sequence <= record.stored) return;
    record.stored = update.sequence;
    record.updates.push(update);
    record.logs.push(...update.logs);
    record.timings.push(...update.timings);
    if (update.checkpointState.length > 0) record.checkpoint = update.checkpointState;
  }

  function complete(request: CompleteJobRequest): void {
    if (answers.refusal) throw answers.refusal;
    const record = recordOf(request.jobId);
    for (const update of request.updates) store(record, update);
    record.completed ??= request;
  }

  function authenticate(metadata: grpc.Metadata): void {
    if (options.psk !== undefined && metadata.get("coder-provisioner-daemon-psk")[0] !== options.psk) {
      throw new FleetError("unauthenticated", "The pre-shared key is wrong.");
    }
  }

  async function listen(): Promise<void> {
    server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
    addService(server, ProvisionerDaemonService, {
      ...archives.handlers,
      async session(stream) {
        authenticate(stream.metadata);
        for await (const { message } of stream) {
          if (message.case === "heartbeat") heartbeats.push(message.value);
          if (message.case !== "register") continue;
          registrations.push(message.value);
          await stream.send({
            queues: [queueName],
            heartbeatIntervalMs: 1_000,
            forceCancelIntervalMs: BigInt(options.forceCancelIntervalMs ?? 60_000),
            jobLostAfterMs: BigInt(options.jobLostAfterMs ?? 60_000),
          });
        }
      },
      async offerJobs({ limit }, { signal }) {
        asked.push(limit);
        if (answers.offerRefusal) throw answers.offerRefusal;
        while (offered.length === 0 && !signal.aborted) {
          await new Promise<void>((resolve) => {
            wake = resolve;
            signal.addEventListener("abort", () => resolve(), { once: true });
          });
        }
        return { jobIds: offered.splice(0, limit) };
      },
      async acquireJobs({ jobIds, daemonId }) {
        const free = jobIds.flatMap((id) => {
          const record = jobs.get(id);
          const isOver = record?.completed !== undefined || record?.failed !== undefined;
          const [owner] = record?.acquiredBy ?? [daemonId];
          return !record || isOver || (owner !== undefined && owner !== daemonId) ? [] : [record];
        });
        for (const { acquiredBy } of free) if (acquiredBy.length === 0) acquiredBy.push(daemonId);
        if (answers.lost-- > 0) throw new FleetError("unavailable", "The answer was lost.");
        return { jobs: free.map(({ job }) => create(JobSchema, job)) };
      },
      async updateJob(stream) {
        for await (const update of stream) {
          const record = recordOf(update.jobId);
          if (!record.lost) store(record, update);
          const answer = (variableValues: typeof answers.variableValues) => {
            const { stored: acknowledged, canceled, lost } = record;
            return stream.send({ acknowledged, canceled, lost, variableValues });
          };
          listeners.set(update.jobId, () => void answer([]));
          await answer(update.templateVariables.length > 0 ? answers.variableValues : []);
        }
      },
      async commitQuota({ dailyCost }) {
        costs.push(dailyCost);
        return answers.quota;
      },
      async completeJob(request) {
        complete(request);
        return {};
      },
      async completeJobs(request) {
        for (const job of request.jobs) complete(job);
        return {};
      },
      async failJob(request) {
        const record = recordOf(request.jobId);
        for (const update of request.updates) store(record, update);
        record.failed ??= request;
        return {};
      },
      async downloadFile({ fileId }, stream) {
        if (answers.lost-- > 0) throw new FleetError("unavailable", "The answer was lost.");
        const bytes = files.get(fileId);
        if (!bytes) throw new FleetError("not_found", "This file is gone.");
        for (let at = 0; at < bytes.length; at += 65_536)
          await stream.send({ chunk: bytes.subarray(at, at + 65_536) });
      },
    });
    port = await new Promise<number>((resolve, reject) =>
      server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
  }
  await listen();

  const coderd = {
    queueName,
    registrations,
    heartbeats,
    answers,
    costs,
    /** How many jobs each call of OfferJobs asked for. */
    asked,
    archives,
    get address() {
      return `127.0.0.1:${port}`;
    },
    job: recordOf,
    upload(bytes: Uint8Array) {
      const fileId = randomUUID();
      files.set(fileId, bytes);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      return { fileId, sha256, mimetype: TAR_MIMETYPE };
    },
    /** Stores a job and enqueues its ID. */
    async push(job: Omit<JobInit, "id">): Promise<JobRecord> {
      const record = coderd.insert(job);
      await coderd.offer(record.job.id!);
      return record;
    },
    insert(job: Omit<JobInit, "id">): JobRecord {
      const id = randomUUID();
      const record: JobRecord = {
        job: { provisioner: "echo", ...job, id, createdAt: timestampNow() } as JobInit,
        acquiredBy: [],
        updates: [],
        logs: [],
        timings: [],
        stored: 0n,
        checkpoint: undefined,
        completed: undefined,
        failed: undefined,
        canceled: false,
        lost: false,
        tell(answer) {
          Object.assign(record, answer);
          listeners.get(id)?.();
        },
      };
      jobs.set(id, record);
      return record;
    },
    async offer(id: string): Promise<void> {
      await queue.add("job", { id }, { jobId: id, removeOnComplete: true });
      await connection.publish(`${options.prefix}:jobs:wake`, queueName);
    },
    /** Offers an ID to daemons that do not use the queue. */
    offerDirectly(id: string): void {
      offered.push(id);
      wake();
    },
    queued: () => queue.getJobCounts("wait", "active", "delayed", "prioritized", "completed", "failed"),
    /** Stops like a killed process; `listen` restarts it at the same address. */
    stop: () => server.forceShutdown(),
    listen,
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
      await queue.close().catch(() => {});
      connection.disconnect();
    },
  };
  return coderd;
}

export type TestCoderd = Awaited<ReturnType<typeof createTestCoderd>>;

/** The provisioner's output lines, without headings. */
export function outputOf(record: JobRecord): string[] {
  return record.logs.filter((log) => log.source === LogSource.PROVISIONER).map((log) => log.output);
}

import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import {
  createCloser,
  DAEMON_KEY_HEADER,
  DAEMON_PSK_HEADER,
  PROVISIONER_RPC_PROTOCOL,
  SESSION_HEADER,
  systemClock,
} from "@fleet/base";
import { upgrade } from "@fleet/base/upgrade";
import { type ClientStream, createDialer, createGrpcClient, type GrpcClient } from "@fleet/proto-gen";
import {
  type Evaluate,
  type Evaluated,
  EvaluatedParametersSchema,
  type Job,
  LogLevel,
  LogSource,
  type Metadata,
  MetadataSchema,
  ProvisionerDaemonService,
  type SessionResponse,
  Transition,
  type UpdateJobRequest,
} from "@fleet/proto-gen/provisioner";
import {
  createEchoProvisioner,
  NO_ARCHIVES,
  type PlanRequest,
  type PreviewResult,
  type ProvisionerSession,
  type Report,
} from "@fleet/provisionersdk";
import { routes } from "@fleet/sdk";
import { waitFor } from "@fleet/testkit";
import { Worker } from "bullmq";
import { Redis } from "ioredis";
import { PSK } from "./coderd.js";

type Client = GrpcClient<(typeof ProvisionerDaemonService)["method"]>;

/** A test-controlled daemon that uses the real gRPC API and queue, and runs echo templates. */
export type TestProvisioner = AsyncDisposable & {
  readonly id: string;
  readonly client: Client;
  /** The queues that coderd sent. */
  queues(): readonly string[];
  /** What it was asked to evaluate, and the ids of those that were canceled. */
  readonly evaluations: readonly Evaluate[];
  readonly canceledEvaluations: readonly string[];
  /** Takes the id of a waiting job from the queue, as a daemon would. Undefined if none is waiting. */
  take(): Promise<string | undefined>;
  /** Claims the job. Undefined if it is not available. */
  claim(jobId: string): Promise<Job | undefined>;
  /** Waits for a job, takes and claims it. */
  acquire(): Promise<Job>;
  /** Runs a claimed job to completion. */
  run(job: Job): Promise<void>;
  /** Takes and runs jobs until the test ends. */
  serve(): void;
  /** Sends a heartbeat with these warnings. */
  warn(warnings: { code: string; message: string }[]): Promise<void>;
  /** Sends a heartbeat that claims to run these jobs. */
  beat(jobIds: string[]): Promise<void>;
  /** Resolves when the session has ended, with the reason if it was an error. */
  ended(): Promise<unknown>;
  /** Dies: sends nothing more and does not disconnect. */
  die(): void;
};

export type TestProvisionerOptions = {
  grpcAddress: string;
  redisUrl: string;
  prefix: string;
  tags?: Record<string, string>;
  name?: string;
  key?: string;
  /** Whether it announces that it asks before every apply. */
  asksBeforeApply?: boolean;
  /** A user's session token. */
  session?: string;
  organization?: string;
  /** For an external daemon: connects through the HTTP port, and does not use Redis. */
  accessUrl?: string;
  slots?: number;
  /** Maximum concurrent evaluations; 0 if left out: it is not asked to evaluate. */
  evaluationSlots?: number;
  warnings?: { code: string; message: string }[];
};

/** Registers a daemon. */
export async function startTestProvisioner(options: TestProvisionerOptions): Promise<TestProvisioner> {
  const closer = createCloser();
  const id = randomUUID();
  const { key, session: token, accessUrl } = options;
  const headers: Record<string, string> = key
    ? { [DAEMON_KEY_HEADER]: key }
    : token
      ? { [SESSION_HEADER]: token }
      : { [DAEMON_PSK_HEADER]: PSK };
  const { path } = routes.provisionerRpc;
  const dialer = accessUrl
    ? await createDialer((signal) =>
        upgrade({ accessUrl, path, protocol: PROVISIONER_RPC_PROTOCOL, headers, signal }),
      )
    : undefined;
  if (dialer) closer.add(() => dialer.close());
  const client = createGrpcClient(ProvisionerDaemonService, {
    address: dialer?.address ?? options.grpcAddress,
    metadata: () => headers,
  });
  closer.add(() => client.close());
  const session = client.session();
  await session.send({
    message: {
      case: "register",
      value: {
        daemonId: id,
        name: options.name ?? `daemon-${id.slice(0, 8)}`,
        version: "v0.0.0",
        provisioners: ["echo"],
        tags: options.tags ?? {},
        slots: options.slots ?? 1,
        evaluationSlots: options.evaluationSlots ?? 0,
        organization: options.organization ?? "",
        runningJobIds: [],
        warnings: options.warnings ?? [],
      },
    },
  });
  const evaluations: Evaluate[] = [];
  const controllers = new Map<string, AbortController>();
  const settings = readSettings(session, (evaluate) => {
    evaluations.push(evaluate);
    const controller = new AbortController();
    controllers.set(evaluate.id, controller);
    evaluateEcho(client, evaluate, controller.signal)
      .then((outcome) =>
        session.send({ message: { case: "evaluated", value: { id: evaluate.id, outcome } } }),
      )
      .catch(() => {});
  });
  closer.add(() => {
    for (const controller of controllers.values()) controller.abort();
  });
  closer.add(() => session.end());
  await Promise.race([
    waitFor(() => settings.latest, { what: "the daemon to be registered" }),
    settings.ended,
  ]).catch(async (error) => {
    await closer.close();
    throw dialer?.failure ?? error;
  });

  const redis = new Redis(options.redisUrl, { maxRetriesPerRequest: null });
  redis.on("error", () => {});
  closer.add(() => redis.disconnect());
  const workers = new Map<string, Worker>();
  let serving = false;

  function workerOf(queue: string): Worker {
    const known = workers.get(queue);
    if (known) return known;
    const worker = new Worker(queue, null, {
      autorun: false,
      connection: redis,
      prefix: `${options.prefix}:bull`,
    });
    worker.on("error", () => {});
    workers.set(queue, worker);
    return worker;
  }

  async function takeFrom(): Promise<{ id: string; done(): Promise<unknown> } | undefined> {
    if (dialer) {
      const { jobIds } = await client.offerJobs({ daemonId: id, limit: 1 });
      return jobIds[0] === undefined ? undefined : { id: jobIds[0], done: async () => {} };
    }
    for (const queue of settings.latest?.queues ?? []) {
      const job = await workerOf(queue).getNextJob(id, { block: false });
      if (job) return { id: job.data.id, done: () => job.moveToCompleted(null, id, false).catch(() => {}) };
    }
    return undefined;
  }

  async function claim(jobId: string): Promise<Job | undefined> {
    const { jobs } = await client.acquireJobs({
      jobIds: [jobId],
      daemonId: id,
      asksBeforeApply: options.asksBeforeApply ?? false,
    });
    return jobs[0];
  }

  async function claimNext(): Promise<Job | undefined> {
    const taken = await takeFrom();
    if (!taken) return undefined;
    const job = await claim(taken.id);
    await taken.done();
    return job;
  }

  async function loop(): Promise<void> {
    while (serving) {
      const job = await claimNext().catch(() => undefined);
      if (job) await runEcho(client, id, job);
      else await systemClock.sleep(10);
    }
  }

  return {
    id,
    client,
    queues: () => settings.latest?.queues ?? [],
    evaluations,
    canceledEvaluations: settings.canceled,
    async take() {
      const taken = await takeFrom();
      await taken?.done();
      return taken?.id;
    },
    claim,
    acquire: () => waitFor(claimNext, { what: "a job to claim" }),
    run: (job) => runEcho(client, id, job),
    serve() {
      serving = true;
      void loop();
    },
    die() {
      serving = false;
      session.cancel();
      client.close();
    },
    beat: (runningJobIds) => session.send({ message: { case: "heartbeat", value: { runningJobIds } } }),
    ended: () => settings.ended.catch((error) => error),
    warn: (warnings) => session.send({ message: { case: "heartbeat", value: { warnings } } }),
    async [Symbol.asyncDispose]() {
      serving = false;
      await Promise.allSettled([...workers.values()].map((worker) => worker.close(true)));
      await closer.close();
    },
  };
}

type Settings = { latest: SessionResponse | undefined; canceled: string[]; ended: Promise<void> };

function readSettings(
  session: ClientStream<unknown, SessionResponse>,
  onEvaluate: (evaluate: Evaluate) => void,
): Settings {
  const settings: Settings = { latest: undefined, canceled: [], ended: Promise.resolve() };
  settings.ended = (async () => {
    for await (const response of session) {
      if (response.evaluate) onEvaluate(response.evaluate);
      else if (response.cancelEvaluation) settings.canceled.push(response.cancelEvaluation);
      else settings.latest = response;
    }
  })();
  settings.ended.catch(() => {});
  return settings;
}

const provisioner = createEchoProvisioner({ clock: systemClock });

async function evaluateEcho(
  client: Client,
  request: Evaluate,
  signal: AbortSignal,
): Promise<Evaluated["outcome"]> {
  const source = request.source!;
  const value = await provisioner.evaluate!({
    source: { ...source, read: () => download(client, source.fileId) },
    metadata: request.metadata ?? create(MetadataSchema),
    parameters: request.richParameterValues,
    variables: request.variableValues,
    installation: undefined,
    archives: NO_ARCHIVES,
    signal,
  });
  return { case: "parameters", value: create(EvaluatedParametersSchema, value) };
}

async function download(client: Client, fileId: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const { chunk } of client.downloadFile({ fileId })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Executes a template's echo.json and reports the results. */
async function runEcho(client: Client, daemonId: string, job: Job): Promise<void> {
  const logs: UpdateJobRequest["logs"] = [];
  const report: Report = {
    stage() {},
    log: (level, output) =>
      logs.push({
        level,
        output,
        source: LogSource.PROVISIONER,
        stage: "echo",
      } as UpdateJobRequest["logs"][number]),
    timing() {},
    checkpoint() {},
  };
  const never = new AbortController().signal;
  const source = job.source!;
  const read = () => download(client, source.fileId);
  const updates = () => [{ jobId: job.id, daemonId, sequence: 1n, logs }];
  const common = { jobId: job.id, daemonId };
  try {
    await using session = await createEchoProvisioner({ clock: systemClock }).open({
      jobId: job.id,
      source: { sha256: source.sha256, mimetype: source.mimetype, read },
      state: job.type.case === "workspaceBuild" ? job.type.value.state : new Uint8Array(),
      prepared: undefined,
      archives: NO_ARCHIVES,
      debug: false,
      report,
      stop: { graceful: never, forced: never },
    });
    const result = await resultOf(session, job, async ({ summary, dailyCost }) => {
      const { warnings } = await client.commitQuota({ ...common, plan: summary, dailyCost });
      for (const warning of warnings) report.log(LogLevel.WARN, `Warning: ${warning}`);
    });
    if ("error" in result && result.error !== undefined) {
      await client.failJob({ ...common, error: result.error, state: result.state, updates: updates() });
    } else {
      await client.completeJob({ ...common, type: (result as { type: never }).type, updates: updates() });
    }
  } catch (error) {
    await client.failJob({ ...common, error: (error as Error).message, updates: updates() }).catch(() => {});
  }
}

function withTransition(metadata: Metadata, transition: Transition | undefined): Metadata {
  if (transition !== undefined) metadata.transition = transition;
  return metadata;
}

async function resultOf(
  session: ProvisionerSession,
  job: Job,
  commit: (plan: PreviewResult) => Promise<unknown>,
) {
  const request = (metadata: Metadata | undefined, transition?: Transition): PlanRequest => ({
    metadata: withTransition(metadata ?? create(MetadataSchema), transition),
    parameters: [],
    previousParameters: [],
    variables: [],
    externalAuth: [],
  });
  const { type } = job;
  switch (type.case) {
    case "templateImport": {
      const parsed = await session.parse();
      const start = await session.plan(request(type.value.metadata, Transition.START));
      const stop = await session.plan(request(type.value.metadata, Transition.STOP));
      return {
        type: {
          case: "templateImport" as const,
          value: {
            startResources: start.resources,
            stopResources: stop.resources,
            richParameters: start.parameters,
            presets: start.presets,
            externalAuthProviders: start.externalAuthProviders,
            templateVariables: parsed.variables,
            workspaceTags: start.workspaceTags,
            readme: parsed.readme,
            prepared: await session.prepare(),
          },
        },
      };
    }
    case "workspaceBuild": {
      const planned = request(type.value.metadata);
      if (type.value.wantsPlan) await commit(await session.preview(planned));
      const applied = await session.apply(planned);
      if (applied.error !== undefined) return { error: applied.error, state: applied.state };
      return {
        type: {
          case: "workspaceBuild" as const,
          value: { state: applied.state, resources: applied.resources },
        },
      };
    }
    case "workspacePlan": {
      const { summary, dailyCost } = await session.preview(request(type.value.build?.metadata));
      return { type: { case: "workspacePlan" as const, value: { plan: summary, dailyCost } } };
    }
    default: {
      const withChanges = type.case === "templateDryRun" && type.value.wantsPlan;
      const { resources, preview } = await session.plan({
        ...request(type.value?.metadata),
        withChanges,
      });
      const value = { resources, plan: preview?.summary, dailyCost: preview?.dailyCost };
      return { type: { case: "templateDryRun" as const, value } };
    }
  }
}

import { nullLogger, systemClock } from "@fleet/base";
import { createTestRedis, waitFor } from "@fleet/testkit";
import { Redis } from "ioredis";
import { Registry } from "prom-client";
import { countRuns, type PeriodicJob, startPeriodicJobs } from "./runner.js";

const EVERY_MS = 200;

/** Three replicas, each running the job; `runs` counts the runs of all of them. */
async function startReplicas(job: Partial<PeriodicJob> = {}) {
  const redis = await createTestRedis();
  const runs: number[] = [];
  const started = performance.now();
  const registries = [0, 1, 2].map(() => new Registry());
  const connections = [0, 1, 2].map(() => new Redis(redis.url, { maxRetriesPerRequest: 1 }));
  const replicas = connections.map((connection, replica) =>
    startPeriodicJobs({
      jobs: [{ name: "tick", everyMs: EVERY_MS, run: async () => runs.push(replica), ...job }],
      redis: connection,
      prefix: redis.prefix,
      clock: systemClock,
      logger: nullLogger,
      onRun: countRuns(registries[replica]!),
    }),
  );
  return {
    runs,
    replicas,
    /** The metrics of all replicas combined. */
    async counted() {
      const metrics = await Promise.all(registries.map((registry) => registry.getMetricsAsJSON()));
      return metrics
        .flat()
        .flatMap(({ values }) => values)
        .reduce((sum, { value }) => sum + value, 0);
    },
    elapsedMs: () => performance.now() - started,
    async [Symbol.asyncDispose]() {
      await Promise.all(replicas.map((replica) => replica.close()));
      for (const connection of connections) connection.disconnect();
      await redis[Symbol.asyncDispose]();
    },
  };
}

test("one of three replicas runs a periodic job per interval, without a leader", async () => {
  await using three = await startReplicas();
  await waitFor(() => three.runs.length >= 5, { what: "five runs" });
  expect(three.runs.length).toBeLessThanOrEqual(Math.floor(three.elapsedMs() / (EVERY_MS * 0.9)) + 1);
  await Promise.all(three.replicas.map((replica) => replica.close()));
  expect(await three.counted()).toBe(three.runs.length);
});

test("when a replica stops, the others run the job", async () => {
  await using three = await startReplicas();
  await waitFor(() => three.runs.length >= 1, { what: "a run" });
  const [first] = three.runs;
  await three.replicas[first!]!.close();
  await waitFor(() => three.runs.some((replica) => replica !== first), { what: "a run of another replica" });
});

test("a job for each replica runs on each", async () => {
  await using three = await startReplicas({ eachReplica: true });
  await waitFor(() => new Set(three.runs).size === 3, { what: "a run of each replica" });
});

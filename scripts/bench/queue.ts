import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCloser, nullLogger } from "@fleet/base";
import { startPostgres, startRedis } from "@fleet/embedded";
import { runBullmqWorker, startBareQueue } from "./queue/bullmq.js";
import { type CpuMs, cpuOfTree, perJob } from "./queue/cpu.js";
import { startFleet } from "./queue/fleet.js";
import { median, quantile, report, round } from "./report.js";

/**
 * 1,000 echo jobs over 8 slots: committed to a durable Postgres, queued, claimed, run and completed by coderd and two
 * provisioner daemons; against BullMQ alone on the same Redis, with as many worker processes and slots, where
 * jobs do nothing and are stored nowhere else. The sides alternate in one run.
 */
const ROUNDS = 5;
const JOBS = 1_000;
const PROCESSES = 2;
const SLOTS = 4;
const DISPATCHES = 200;

async function main(): Promise<void> {
  const closer = createCloser();
  try {
    const folder = await mkdtemp(join(tmpdir(), "bench-queue-"));
    // Postgres may run as another user, which needs access through this folder.
    await chmod(folder, 0o755);
    closer.add(() => rm(folder, { recursive: true, force: true }));
    const postgres = await startPostgres({ dataDir: join(folder, "pg"), logger: nullLogger });
    closer.add(() => postgres.close());
    const redis = await startRedis({ dir: join(folder, "redis"), logger: nullLogger });
    closer.add(() => redis.close());
    const fleet = await startFleet({
      postgresUrl: postgres.url,
      redisUrl: redis.url,
      folder,
      processes: PROCESSES,
      slots: SLOTS,
    });
    closer.add(() => fleet.close());
    const bare = await startBareQueue(redis.url, PROCESSES, SLOTS);
    closer.add(() => bare.close());

    await fleet.run(JOBS / 4);
    await bare.run(JOBS / 4);
    const rates = { fleet: [] as number[], bare: [] as number[] };
    const cpu = { fleet: [] as CpuMs[], bare: [] as CpuMs[] };
    const side = { fleet, bare };
    const measure = () =>
      cpuOfTree(({ pid, name }) => {
        if (pid === process.pid) return "coderd";
        if (fleet.daemonPids.includes(pid)) return "provisionerd";
        return /^(postgres|redis)/.exec(name)?.[0] ?? "workers";
      });
    for (let i = 0; i < ROUNDS; i++) {
      for (const name of ["fleet", "bare"] as const) {
        const before = measure();
        rates[name].push(await side[name].run(JOBS));
        cpu[name].push(perJob(before, measure(), JOBS));
      }
    }
    const cpuMs = (name: "fleet" | "bare", of: string) =>
      round(median(cpu[name].map((used) => used[of] ?? 0)));
    const dispatches: number[] = [];
    for (let i = 0; i < DISPATCHES; i++) dispatches.push(await fleet.dispatch());

    const sum = (name: "fleet" | "bare", parts: string[]) =>
      parts.reduce((total, part) => total + cpuMs(name, part), 0);
    const fleetCpu = sum("fleet", ["coderd", "provisionerd", "postgres", "redis"]);
    const bareCpu = sum("bare", ["coderd", "workers", "redis"]);
    const [ours, theirs] = [median(rates.fleet), median(rates.bare)];
    report({
      bench: "queue",
      table: [
        ["", "jobs/s, median", "least", "most"],
        ...(["fleet", "bare"] as const).map((side) => [
          side === "fleet" ? "coderd + provisionerd" : "BullMQ alone",
          String(Math.round(median(rates[side]))),
          String(Math.round(Math.min(...rates[side]))),
          String(Math.round(Math.max(...rates[side]))),
        ]),
        ["", "p50 ms", "p99 ms", "most"],
        [
          "commit to claim, idle",
          String(round(quantile(dispatches, 0.5), 1)),
          String(round(quantile(dispatches, 0.99), 1)),
          String(round(Math.max(...dispatches), 1)),
        ],
      ],
      results: {
        vs_bullmq: round(ours / theirs),
        jobs_per_second: round(ours, 0),
        bullmq_jobs_per_second: round(theirs, 0),
        coderd_cpu_ms_per_job: cpuMs("fleet", "coderd"),
        provisionerd_cpu_ms_per_job: cpuMs("fleet", "provisionerd"),
        postgres_cpu_ms_per_job: cpuMs("fleet", "postgres"),
        redis_cpu_ms_per_job: cpuMs("fleet", "redis"),
        bullmq_cpu_ms_per_job: round(bareCpu),
        dispatch_p99_ms: round(quantile(dispatches, 0.99), 1),
      },
      goals: { vs_bullmq: { op: ">=", value: 0.5 }, dispatch_p99_ms: { op: "<=", value: 50 } },
      notes: [
        `${JOBS} jobs a round, ${ROUNDS} rounds, ${PROCESSES} processes of ${SLOTS} slots on each side; Postgres commits to disk.`,
        "A job of the fleet is three durable writes, two calls and two scripts in Redis, each shared with the jobs that come beside it; one of BullMQ alone is the scripts.",
        `It takes ${round(fleetCpu)} ms of processor time in all, one of BullMQ alone ${round(bareCpu)} ms: busy processors bound vs_bullmq at ${round(bareCpu / fleetCpu)}. Below that it waits: a slot claims its next job with one commit to disk, and the end of its last one is another.`,
      ],
    });
  } finally {
    await closer.close();
  }
}

const [role, url, slots] = process.argv.slice(2);
if (role === "bullmq-worker") runBullmqWorker(url!, Number(slots));
else await main();

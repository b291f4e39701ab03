import type { WorkspaceBuild } from "@fleet/sdk";
import type { Cluster } from "../../e2e/cluster/cluster.js";
import type { FrontDoor, Installation } from "../../e2e/cluster/installation.js";
import { onCluster } from "../../e2e/cluster/on-cluster.js";
import { type Tiers, tiersOf } from "../../e2e/cluster/tiers.js";
import { waitUntil } from "../../e2e/cluster/wait.js";
import { median, report, round } from "./report.js";
import { hasMetrics, measureHpa } from "./scale/hpa.js";
import { prepareJobs, type WaitingJobs } from "./scale/jobs.js";
import { hasKeda, measureKeda } from "./scale/keda.js";

/**
 * Builds per second at 1, 2, 4 and 8 replicas of provisionerd on a real cluster. A build is real terraform that waits
 * for a cloud. Then scales back to one replica while builds run: none may be lost or run twice. A replica runs one
 * build at a time, so that the machine's CPUs are not the limit.
 */
const REPLICAS = [1, 2, 4, 8];
const SECONDS = Number(process.env.SCALE_WAIT_SECONDS ?? 20);
const JOBS_PER_REPLICA = Number(process.env.SCALE_JOBS_PER_REPLICA ?? 4);
/** Builds still waiting for a replica while it scales down. */
const QUEUED = 2;
const KEDA_GOALS = Object.fromEntries(
  ["keda_lost", "keda_doubled", "keda_dips_after_flush"].map((name) => [
    name,
    { op: "<=", value: 0 } as const,
  ]),
);

await onCluster(async ({ cluster, provideImages, prepare }) => {
  const installation = await prepare(await provideImages());
  await installation.install({ provisionerd: { slots: 1 } });
  await measure(cluster, installation, await installation.signUp());
});

async function measure(cluster: Cluster, installation: Installation, door: FrontDoor): Promise<void> {
  const { namespace } = installation;
  const tiers = tiersOf(cluster, namespace);
  const jobs = await prepareJobs(door, SECONDS);
  // The first job of a version fills the daemon's caches; each later pod fills its own in its first job.
  await jobs.ended(await jobs.start(1), 300);
  const levels: Level[] = [];
  for (const replicas of REPLICAS) {
    await tiers.scale("provisionerd", replicas);
    const started = await jobs.start(replicas * JOBS_PER_REPLICA);
    const level = summarize(replicas, await jobs.ended(started, 120 + 4 * SECONDS * JOBS_PER_REPLICA));
    console.log(`${replicas} replicas: ${level.rate.toFixed(3)} jobs/s`);
    levels.push(level);
  }
  const down = await scaleDownUnderLoad(tiers, jobs);
  const keda = (await hasKeda(cluster)) ? await measureKeda(cluster, installation, jobs, SECONDS) : undefined;
  const hpa = (await hasMetrics(cluster)) ? await measureHpa(cluster, installation, door) : undefined;
  const rateAt = (replicas: number) => levels.find((level) => level.replicas === replicas)!.rate;
  report({
    bench: "scale",
    table: [
      ["replicas of provisionerd", "jobs", "jobs/s", "against one", "job p50 s"],
      ...levels.map(({ replicas, count, rate, seconds }) => [
        String(replicas),
        String(count),
        rate.toFixed(3),
        (rate / rateAt(1)).toFixed(2),
        seconds.toFixed(1),
      ]),
    ],
    results: {
      ...Object.fromEntries(levels.map(({ replicas, rate }) => [`jobs_per_s_${replicas}`, round(rate, 3)])),
      scale2_vs_1: round(rateAt(2) / rateAt(1)),
      scale4_vs_1: round(rateAt(4) / rateAt(1)),
      scale8_vs_1: round(rateAt(8) / rateAt(1)),
      ...down,
      ...keda,
      ...hpa,
    },
    goals: {
      scale4_vs_1: { op: ">=", value: 3.5 },
      scale8_vs_1: { op: ">=", value: 6 },
      down_lost: { op: "<=", value: 0 },
      down_doubled: { op: "<=", value: 0 },
      ...(keda ? KEDA_GOALS : {}),
    },
    notes: [
      `A job waits ${SECONDS} s in terraform (time_sleep). Each replica runs one job at a time; ${JOBS_PER_REPLICA} jobs per replica.`,
      "The scale-down starts while 8 jobs run and more are queued.",
      keda
        ? "With KEDA, a burst of jobs scales it from 1 to 8 replicas and back, and Redis is flushed meanwhile."
        : "KEDA is not installed: scaling by the queue was not measured.",
      hpa
        ? "Requests scale coderd and the proxy from 1 to 3 replicas each, by CPU usage."
        : "metrics-server is not installed: scaling by CPU was not measured.",
    ],
  });
}

type Level = { replicas: number; count: number; rate: number; seconds: number };

/** From the first start to the last end, by coderd's clock. */
function summarize(replicas: number, builds: readonly WorkspaceBuild[]): Level {
  const failed = builds.find(({ job }) => job.status !== "succeeded");
  if (failed) throw new Error(`A job ${failed.job.status}: ${failed.job.error}`);
  const starts = builds.map(({ job }) => Date.parse(job.started_at!));
  const ends = builds.map(({ job }) => Date.parse(job.completed_at!));
  return {
    replicas,
    count: builds.length,
    rate: builds.length / ((Math.max(...ends) - Math.min(...starts)) / 1_000),
    seconds: median(ends.map((end, index) => (end - starts[index]!) / 1_000)),
  };
}

async function scaleDownUnderLoad(tiers: Tiers, jobs: WaitingJobs) {
  const most = REPLICAS.at(-1)!;
  const started = await jobs.start(most + QUEUED);
  await waitUntil(`${most} jobs to run`, 120, async () => {
    const running = (await jobs.builds(started)).filter(({ job }) => job.status === "running");
    return running.length >= most;
  });
  const begun = performance.now();
  const [builds] = await Promise.all([
    jobs.ended(started, 120 + 6 * SECONDS),
    tiers.scale("provisionerd", 1),
  ]);
  const times = await jobs.timesCarriedOut(builds);
  return {
    down_lost: builds.filter(({ job }) => job.status !== "succeeded").length,
    down_doubled: times.filter((count) => count !== 1).length,
    down_s: round((performance.now() - begun) / 1_000, 1),
  };
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "../../../e2e/cluster/cluster.js";
import { type Installation, RELEASE } from "../../../e2e/cluster/installation.js";
import { waitUntil } from "../../../e2e/cluster/wait.js";
import { round } from "../report.js";
import type { WaitingJobs } from "./jobs.js";

const MOST = 8;
const JOBS = 3 * MOST;
/** Pods are removed as soon as load drops, so that the result does not measure Kubernetes' stabilization window. */
const BEHAVIOR = {
  scaleDown: {
    stabilizationWindowSeconds: 15,
    policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
  },
};

/** Whether the cluster has KEDA. */
export async function hasKeda(cluster: Cluster): Promise<boolean> {
  const found = await cluster.kubectl([
    "get",
    "crd",
    "scaledobjects.keda.sh",
    "--ignore-not-found",
    "--output=name",
  ]);
  return found !== "";
}

/**
 * A burst of jobs scales provisionerd from one replica to its maximum and back; Redis is flushed meanwhile. `keda_up_s`
 * is from the burst until all replicas are ready, `keda_down_s` from the last job's end until one pod is left.
 */
export async function measureKeda(
  cluster: Cluster,
  installation: Installation,
  jobs: WaitingJobs,
  seconds: number,
) {
  const { namespace } = installation;
  const keda = { enable: true, minReplicas: 1, maxReplicas: MOST, pollingInterval: 2, behavior: BEHAVIOR };
  await installation.install({ provisionerd: { slots: 1, keda } });
  await cluster.kubectl([
    ...["wait", `scaledobject/${RELEASE}-provisionerd`, "--namespace", namespace],
    ...["--for=condition=Ready", "--timeout=120s"],
  ]);
  const read = async (jsonpath: string) => {
    const deployment = `deployment/${RELEASE}-provisionerd`;
    const text = await cluster.kubectl([
      "get",
      deployment,
      "--namespace",
      namespace,
      `--output=jsonpath={${jsonpath}}`,
    ]);
    return Number(text || 0);
  };

  const begun = performance.now();
  const started = await jobs.start(JOBS);
  await waitUntil(`${MOST} replicas`, 300, async () => (await read(".status.readyReplicas")) === MOST);
  const upSeconds = (performance.now() - begun) / 1_000;
  await cluster.kubectl([
    "exec",
    "--namespace",
    namespace,
    "deployment/redis",
    "--",
    "redis-cli",
    "FLUSHALL",
  ]);
  let dips = 0;
  for (;;) {
    const [builds, replicas] = [await jobs.builds(started), await read(".spec.replicas")];
    const open = builds.filter(({ job }) => !job.completed_at).length;
    if (open < MOST) break;
    if (replicas < MOST) dips++;
    await sleep(1_000);
  }
  const builds = await jobs.ended(started, 120 + JOBS * seconds);
  const lastEnd = Math.max(...builds.map(({ job }) => Date.parse(job.completed_at!)));
  const selector = "--selector=app.kubernetes.io/component=provisionerd";
  await waitUntil("one pod to be left", 600, async () => {
    const pods = await cluster.kubectl(["get", "pods", "--namespace", namespace, selector, "--output=name"]);
    return pods.trim().split("\n").length === 1;
  });
  const downSeconds = (Date.now() - lastEnd) / 1_000;
  const times = await jobs.timesCarriedOut(builds);
  return {
    keda_up_s: round(upSeconds, 1),
    keda_down_s: round(downSeconds, 1),
    keda_lost: builds.filter(({ job }) => job.status !== "succeeded").length,
    keda_doubled: times.filter((count) => count !== 1).length,
    keda_dips_after_flush: dips,
  };
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "./cluster.js";
import { RELEASE } from "./installation.js";
import { waitUntil } from "./wait.js";

const JOB = "reconcile";
const INTERVAL_SECONDS = 5;
const WATCH_SECONDS = 3 * INTERVAL_SECONDS;
const REPLICAS = 3;
const SELECTOR = "--selector=app.kubernetes.io/component=coderd";

/**
 * Scales coderd to three replicas, and checks by their metrics that a periodic job runs once per interval across all of
 * them, and continues when the replica that ran it last is deleted. Then restores the replica count. Returns how often
 * the job ran with all three replicas.
 */
export async function sharePeriodicJobs(cluster: Cluster, namespace: string): Promise<number> {
  const deployment = `deployment/${RELEASE}-coderd`;
  const scale = (replicas: number) =>
    cluster.kubectl(["scale", deployment, "--namespace", namespace, `--replicas=${replicas}`]);
  const replicas = ["get", deployment, "--namespace", namespace, "--output=jsonpath={.spec.replicas}"];
  const original = Number(await cluster.kubectl(replicas));
  await scale(REPLICAS);
  await cluster.kubectl(["rollout", "status", deployment, "--namespace", namespace, "--timeout=180s"]);
  const before = await readRuns(cluster, namespace);
  if (before.size !== REPLICAS) throw new Error(`${before.size} pods of coderd are there, not ${REPLICAS}.`);
  // Elapsed time is what is measured.
  await sleep(WATCH_SECONDS * 1_000);
  const after = await readRuns(cluster, namespace);
  const done = (pod: string) => (after.get(pod) ?? 0) - (before.get(pod) ?? 0);
  const times = [...after.keys()].reduce((sum, pod) => sum + done(pod), 0);
  const wanted = WATCH_SECONDS / INTERVAL_SECONDS;
  if (times < wanted - 1 || times > wanted + 2)
    throw new Error(
      `Three replicas did "${JOB}" ${times} times in ${WATCH_SECONDS} s, in the place of ${wanted}.`,
    );

  const last = await waitUntil("a replica to do it", 3 * INTERVAL_SECONDS, async () => {
    const now = await readRuns(cluster, namespace);
    return [...now.keys()].find((pod) => now.get(pod)! > after.get(pod)!);
  });
  // Immediately, because a draining replica keeps running jobs until it exits.
  await cluster.kubectl(["delete", "pod", last, "--namespace", namespace, "--grace-period=1"]);
  const left = await readRuns(cluster, namespace);
  await waitUntil("another replica to do it", 3 * INTERVAL_SECONDS, async () => {
    const now = await readRuns(cluster, namespace);
    return [...now].some(([pod, count]) => pod !== last && count > (left.get(pod) ?? 0));
  });
  await scale(original);
  return times;
}

/** How often each coderd pod has started the job. */
async function readRuns(cluster: Cluster, namespace: string): Promise<Map<string, number>> {
  const listed = await cluster.kubectl(["get", "pods", "--namespace", namespace, SELECTOR, "--output=name"]);
  const pods = listed
    .trim()
    .split("\n")
    .map((name) => name.replace("pod/", ""));
  const counts = pods.map(async (pod) => {
    const path = `/api/v1/namespaces/${namespace}/pods/${pod}:2112/proxy/metrics`;
    const { code, stdout } = await cluster.tryKubectl(["get", "--raw", path]);
    const [, count] =
      new RegExp(`^coderd_periodic_job_runs_total\\{job="${JOB}"\\} (\\d+)`, "m").exec(stdout) ?? [];
    // A terminating pod does not respond.
    return code === 0 ? [[pod, Number(count ?? 0)] as const] : [];
  });
  return new Map((await Promise.all(counts)).flat());
}

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
 * Has three replicas of coderd, and looks, by their metrics, that a periodic job is done once at each interval by all of
 * them together, and goes on when the one that did it last is deleted. Then there are as many as before. Gives how often
 * it was done while all three were there.
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
  // The time itself is what is looked at.
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
  // At once: one that drains goes on with its jobs until it ends.
  await cluster.kubectl(["delete", "pod", last, "--namespace", namespace, "--grace-period=1"]);
  const left = await readRuns(cluster, namespace);
  await waitUntil("another replica to do it", 3 * INTERVAL_SECONDS, async () => {
    const now = await readRuns(cluster, namespace);
    return [...now].some(([pod, count]) => pod !== last && count > (left.get(pod) ?? 0));
  });
  await scale(original);
  return times;
}

/** How often each pod of coderd has begun the job. */
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
    // A pod that is on its way out answers no more.
    return code === 0 ? [[pod, Number(count ?? 0)] as const] : [];
  });
  return new Map((await Promise.all(counts)).flat());
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "./cluster.js";
import { type Tiers, tiersOf } from "./tiers.js";
import { waitUntil } from "./wait.js";

const JOB = "reconcile";
const INTERVAL_SECONDS = 5;
const WATCH_SECONDS = 3 * INTERVAL_SECONDS;
const REPLICAS = 3;

/**
 * Scales coderd to three replicas, and checks by their metrics that a periodic job runs once per interval across all of
 * them, and continues when the replica that ran it last is deleted. Then restores the replica count. Returns how often
 * the job ran with all three replicas.
 */
export async function sharePeriodicJobs(cluster: Cluster, namespace: string): Promise<number> {
  const tiers = tiersOf(cluster, namespace);
  const original = (await tiers.pods("coderd")).length;
  await tiers.scale("coderd", REPLICAS);
  const readRuns = () => runsOf(cluster, namespace, tiers);
  const before = await readRuns();
  if (before.size !== REPLICAS) throw new Error(`Expected ${REPLICAS} pods of coderd, found ${before.size}.`);
  // Elapsed time is what is measured.
  await sleep(WATCH_SECONDS * 1_000);
  const after = await readRuns();
  const done = (pod: string) => (after.get(pod) ?? 0) - (before.get(pod) ?? 0);
  const times = [...after.keys()].reduce((sum, pod) => sum + done(pod), 0);
  const wanted = WATCH_SECONDS / INTERVAL_SECONDS;
  if (times < wanted - 1 || times > wanted + 2)
    throw new Error(
      `${REPLICAS} replicas ran "${JOB}" ${times} times in ${WATCH_SECONDS} s, expected about ${wanted}.`,
    );

  const last = await waitUntil("a replica to run it", 3 * INTERVAL_SECONDS, async () => {
    const now = await readRuns();
    return [...now.keys()].find((pod) => now.get(pod)! > after.get(pod)!);
  });
  // Immediately, because a draining replica keeps running jobs until it exits.
  await cluster.kubectl(["delete", `pod/${last}`, "--namespace", namespace, "--grace-period=1"]);
  const left = await readRuns();
  await waitUntil("another replica to run it", 3 * INTERVAL_SECONDS, async () => {
    const now = await readRuns();
    return [...now].some(([pod, count]) => pod !== last && count > (left.get(pod) ?? 0));
  });
  await tiers.scale("coderd", original);
  return times;
}

/** How often each coderd pod has started the job. */
async function runsOf(cluster: Cluster, namespace: string, tiers: Tiers): Promise<Map<string, number>> {
  const pods = await tiers.pods("coderd");
  const counts = pods.map(async (name) => {
    const pod = name.replace("pod/", "");
    const path = `/api/v1/namespaces/${namespace}/pods/${pod}:2112/proxy/metrics`;
    const { code, stdout } = await cluster.tryKubectl(["get", "--raw", path]);
    const [, count] =
      new RegExp(`^coderd_periodic_job_runs_total\\{job="${JOB}"\\} (\\d+)`, "m").exec(stdout) ?? [];
    // A terminating pod does not respond.
    return code === 0 ? [[pod, Number(count ?? 0)] as const] : [];
  });
  return new Map((await Promise.all(counts)).flat());
}

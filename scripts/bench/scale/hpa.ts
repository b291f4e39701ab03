import { createClient } from "@fleet/sdk";
import type { Cluster } from "../../../e2e/cluster/cluster.js";
import type { FrontDoor, Installation } from "../../../e2e/cluster/installation.js";
import { RELEASE } from "../../../e2e/cluster/installation.js";
import { waitUntil } from "../../../e2e/cluster/wait.js";
import { round } from "../report.js";

const TIERS = ["coderd", "proxy"] as const;
const AT_ONCE = 16;
const autoscaling = { enable: true, minReplicas: 1, maxReplicas: 3, targetCPUUtilizationPercentage: 70 };

/** Whether the cluster reports the pods' resource usage. */
export async function hasMetrics(cluster: Cluster): Promise<boolean> {
  return (await cluster.tryKubectl(["get", "--raw", "/apis/metrics.k8s.io/v1beta1/nodes"])).code === 0;
}

/** API load scales coderd and the proxy from one replica to three: `hpa_up_s` is the time until both are there. */
export async function measureHpa(cluster: Cluster, installation: Installation, door: FrontDoor) {
  const { namespace } = installation;
  await installation.install({ coderd: { autoscaling }, proxy: { autoscaling } });
  for (const tier of TIERS) {
    await cluster.kubectl([
      ...["wait", `hpa/${RELEASE}-${tier}`, "--namespace", namespace],
      ...["--for=condition=ScalingActive", "--timeout=180s"],
    ]);
  }
  // The existing connection may have led to a pod that is gone.
  const forward = await cluster.forward(namespace, RELEASE, 80);
  const client = createClient({ baseUrl: `http://127.0.0.1:${forward.port}`, token: door.token });
  const stop = new AbortController();
  const ask = async () => {
    while (!stop.signal.aborted) await client.workspaceList({ query: { limit: 100 } }).catch(() => {});
  };
  const asking = Array.from({ length: AT_ONCE }, ask);
  const begun = performance.now();
  try {
    await waitUntil("coderd and the proxy to have three replicas", 300, async () => {
      const reads = TIERS.map((tier) =>
        cluster.kubectl([
          ...["get", `deployment/${RELEASE}-${tier}`, "--namespace", namespace],
          "--output=jsonpath={.status.readyReplicas}",
        ]),
      );
      return (await Promise.all(reads)).every((text) => Number(text) === autoscaling.maxReplicas);
    });
  } finally {
    stop.abort();
    await Promise.all(asking);
    await forward.close();
  }
  return { hpa_up_s: round((performance.now() - begun) / 1_000, 1) };
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "./cluster.js";

export type Usage = { memoryMb: number; cpuMillicores: number };

type Summary = {
  pods: {
    podRef: { namespace: string; name: string };
    containers: {
      name: string;
      memory?: { workingSetBytes?: number };
      cpu?: { usageCoreNanoSeconds?: number };
    }[];
  }[];
};

/** Mean usage of one pod of each tier over this many seconds, from the kubelets of all nodes. */
export async function measureUsage(
  cluster: Cluster,
  namespace: string,
  seconds: number,
): Promise<Record<string, Usage>> {
  const first = await read(cluster, namespace);
  const started = performance.now();
  await sleep(seconds * 1_000);
  const last = await read(cluster, namespace);
  const elapsedNs = (performance.now() - started) * 1e6;
  const tiers: Record<string, Usage> = {};
  for (const tier of ["coderd", "provisionerd", "proxy"]) {
    const pods = [...last].filter(([key]) => key.endsWith(`/${tier}`) && first.has(key));
    if (pods.length === 0) continue;
    const mean = (of: (key: string) => number) => pods.reduce((sum, [key]) => sum + of(key), 0) / pods.length;
    tiers[tier] = {
      memoryMb: mean((key) => last.get(key)!.memory) / 1e6,
      cpuMillicores: (mean((key) => last.get(key)!.cpu - first.get(key)!.cpu) / elapsedNs) * 1_000,
    };
  }
  return tiers;
}

async function read(cluster: Cluster, namespace: string) {
  const nodes = (await cluster.kubectl(["get", "nodes", "--output=name"])).trim().split("\n");
  const used = new Map<string, { memory: number; cpu: number }>();
  for (const node of nodes) {
    const path = `/api/v1/nodes/${node.replace("node/", "")}/proxy/stats/summary`;
    const { pods } = JSON.parse(await cluster.kubectl(["get", "--raw", path])) as Summary;
    for (const { podRef, containers } of pods.filter((pod) => pod.podRef.namespace === namespace)) {
      for (const { name, memory, cpu } of containers) {
        used.set(`${podRef.name}/${name}`, {
          memory: memory?.workingSetBytes ?? 0,
          cpu: cpu?.usageCoreNanoSeconds ?? 0,
        });
      }
    }
  }
  return used;
}

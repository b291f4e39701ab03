import type { Cluster } from "./cluster.js";
import type { Service } from "./images.js";
import { RELEASE } from "./installation.js";
import { waitUntil } from "./wait.js";

/** Time limit for a tier to replace its pods: a proxy drains for up to a minute, a provisioner finishes its builds. */
const CHANGE_SECONDS = 600;

/** The three tiers of an installation, changed with kubectl like an operator. */
export type Tiers = {
  /** Sets the replicas, and waits until exactly that many pods exist and are ready. */
  scale(tier: Service, replicas: number): Promise<void>;
  /** Rolls the tier to an image, and waits until only its pods are left. */
  roll(tier: Service, image: string): Promise<void>;
  /** Names of the tier's pods, including those that are starting or terminating. */
  pods(tier: Service): Promise<string[]>;
  /** Kills a pod immediately, like a node failure, without a graceful shutdown. */
  kill(pod: string): Promise<void>;
};

export function tiersOf(cluster: Cluster, namespace: string): Tiers {
  const deployment = (tier: Service) => `deployment/${RELEASE}-${tier}`;
  const inNamespace = ["--namespace", namespace];

  async function pods(tier: Service): Promise<string[]> {
    const selector = `--selector=app.kubernetes.io/component=${tier}`;
    const names = await cluster.kubectl(["get", "pods", ...inNamespace, selector, "--output=name"]);
    return names.split("\n").filter((name) => name !== "");
  }

  async function settled(tier: Service): Promise<void> {
    const time = `--timeout=${CHANGE_SECONDS}s`;
    await cluster.kubectl(["rollout", "status", deployment(tier), ...inNamespace, time]);
    const wanted = await cluster.kubectl([
      ...["get", deployment(tier), ...inNamespace, "--output=jsonpath={.spec.replicas}"],
    ]);
    await waitUntil(`${wanted} pods of ${tier}`, CHANGE_SECONDS, async () => {
      const there = await pods(tier);
      if (there.length === Number(wanted)) return true;
      throw new Error(`pods: ${there.join(", ")}`);
    });
  }

  return {
    async scale(tier, replicas) {
      await cluster.kubectl(["scale", deployment(tier), ...inNamespace, `--replicas=${replicas}`]);
      await settled(tier);
    },
    async roll(tier, image) {
      await cluster.kubectl(["set", "image", deployment(tier), ...inNamespace, `${tier}=${image}`]);
      await settled(tier);
    },
    pods,
    async kill(pod) {
      await cluster.kubectl(["delete", pod, ...inNamespace, "--grace-period=0", "--force", "--wait=false"]);
    },
  };
}

import type { Cluster } from "./cluster.js";
import type { Service } from "./images.js";
import { RELEASE } from "./installation.js";
import { waitUntil } from "./wait.js";

/** How long a tier may take to change its pods; a drained proxy has a minute for what does not move. */
const CHANGE_SECONDS = 240;

/** The three tiers of an installation, as an operator changes them with kubectl. */
export type Tiers = {
  /** Sets the replicas, and waits until exactly so many pods are there, all of them ready. */
  scale(tier: Service, replicas: number): Promise<void>;
  /** Rolls the tier to an image, and waits until its pods alone are there. */
  roll(tier: Service, image: string): Promise<void>;
  /** Names of the tier's pods, those included that are on their way. */
  pods(tier: Service): Promise<string[]>;
  /** Ends a pod at once, as the loss of its node would: its processes are killed, and nobody is told. */
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
      throw new Error(`there are ${there.join(", ")}`);
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

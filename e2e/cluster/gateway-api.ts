import { join } from "node:path";
import type { Cluster } from "./cluster.js";
import { run } from "./process.js";
import { say } from "./stages.js";

const MODULE = "sigs.k8s.io/gateway-api@v1.6.1";
const KINDS = ["gatewayclasses", "gateways", "httproutes", "referencegrants"];
const GROUP = "gateway.networking.k8s.io";

/**
 * Ensures that the cluster has the Gateway API: its own, or the CRDs of the Go module, which are removed on disposal.
 * Otherwise reports that routes are not checked.
 */
export async function bringGatewayApi(cluster: Cluster): Promise<AsyncDisposable> {
  const known = await cluster.tryKubectl(["get", "crd", `httproutes.${GROUP}`]);
  if (known.code === 0) return { async [Symbol.asyncDispose]() {} };
  const fetched = await run("go", ["mod", "download", "-json", MODULE]).catch(() => undefined);
  if (fetched?.code !== 0) {
    say(
      "HTTPRoutes are not checked: the cluster does not know the Gateway API, and Go, which could fetch it, is not here.",
    );
    return { async [Symbol.asyncDispose]() {} };
  }
  const folder = join((JSON.parse(fetched.stdout) as { Dir: string }).Dir, "config/crd/standard");
  const files = KINDS.flatMap((kind) => ["--filename", join(folder, `${GROUP}_${kind}.yaml`)]);
  const remove = async () => {
    await cluster.kubectl(["delete", ...files, "--ignore-not-found", "--wait=false"]);
  };
  try {
    await cluster.kubectl(["apply", "--server-side", ...files]);
    const names = KINDS.map((kind) => `crd/${kind}.${GROUP}`);
    await cluster.kubectl(["wait", "--for=condition=Established", "--timeout=60s", ...names]);
  } catch (error) {
    await remove();
    throw error;
  }
  return { [Symbol.asyncDispose]: remove };
}

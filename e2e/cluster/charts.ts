import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Cluster } from "./cluster.js";
import { bringGatewayApi } from "./gateway-api.js";
import type { Ended } from "./process.js";

/** Kinds of operators that may not be installed. */
const OF_OPERATORS = /no matches for kind "(ServiceMonitor|HTTPRoute|ScaledObject|Certificate)"/;
/** Namespaces used by the charts' tests. */
const NAMESPACES = ["coder", "workspaces"];

/**
 * Validates every object that the charts' tests render with a server-side dry run, in namespaces that warn about
 * violations of the restricted pod security standard. Returns how many were accepted; throws with the errors of the
 * others.
 */
export async function checkCharts(cluster: Cluster, id: string): Promise<number> {
  const own = new Map(NAMESPACES.map((name) => [name, `${id}-${name}`]));
  const namespaces = [...own.values()];
  await using _api = await bringGatewayApi(cluster);
  const labels = { "pod-security.kubernetes.io/warn": "restricted" };
  await cluster.apply(
    namespaces.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } })),
  );
  try {
    await requireRefusal(cluster, own.get("coder")!);
    const results = [];
    for (const chart of ["coder", "coder-provisioner"]) {
      const tests = join("charts", chart, "tests");
      for (const file of await readdir(tests)) {
        if (!file.endsWith(".yaml") || file.startsWith("fails_")) continue;
        const rendered = await cluster.helm([
          ...["template", "coder", join("charts", chart), "--namespace", "coder"],
          ...["--values", join(tests, file), "--api-versions", "monitoring.coreos.com/v1"],
        ]);
        const moved = rendered.replace(/^( *namespace: )"?([\w-]+)"?$/gm, (line, head, name) => {
          const there = own.get(name);
          return there ? `${head}${there}` : line;
        });
        results.push(
          judge(
            `${chart}: ${file}`,
            await cluster.tryKubectl(["apply", "--dry-run=server", "-f", "-"], moved),
          ),
        );
      }
    }
    return results.reduce((sum, accepted) => sum + accepted, 0);
  } finally {
    await cluster.kubectl(["delete", "namespace", ...namespaces, "--wait=false"]);
  }
}

/** Checks that installing the chart fails if a required secret is missing. */
async function requireRefusal(cluster: Cluster, namespace: string): Promise<void> {
  const values = ["--values", "charts/coder/tests/default.yaml", "--dry-run=server"];
  const refused = await cluster
    .helm(["template", "coder", "charts/coder", "--namespace", namespace, ...values])
    .then(
      () => undefined,
      (error: Error) => error.message,
    );
  if (!refused?.includes(`does not exist in the namespace ${namespace}`))
    throw new Error(`A missing secret was not refused: ${refused ?? "the chart was rendered"}`);
}

function judge(what: string, { stdout, stderr }: Ended): number {
  const complaints = stderr
    .split("\n")
    .filter((line) => line !== "" && !OF_OPERATORS.test(line) && line !== "ensure CRDs are installed first");
  if (complaints.length > 0) throw new Error(`The API server says of ${what}:\n${complaints.join("\n")}`);
  return stdout.split("\n").filter((line) => line.includes("server dry run")).length;
}

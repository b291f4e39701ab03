import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Ended, run, succeed } from "./process.js";

/** The cluster of KUBECONFIG (or the default kubeconfig). */
export type Cluster = {
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** The same, for a command that may fail. */
  tryKubectl(args: readonly string[], input?: string): Promise<Ended>;
  /** Starts a command that runs in the background. */
  spawnKubectl(args: readonly string[]): ChildProcessWithoutNullStreams;
  helm(args: readonly string[], input?: string): Promise<string>;
  /** Applies objects, given as JSON. */
  apply(objects: readonly object[]): Promise<void>;
  /** Names of all user-created objects in a namespace, as `kind/name`. */
  objectsIn(namespace: string): Promise<Set<string>>;
  /** Forwards a local port to a service's port until closed. */
  forward(namespace: string, service: string, port: number): Promise<Forward>;
};

export type Forward = { port: number; close(): Promise<void> };

/** Objects created by the cluster itself, and events. */
const NOT_OURS =
  /^(event\.|events\.|lease\.|podmetrics|endpoints\/|endpointslice\.|configmap\/kube-root-ca\.crt$|serviceaccount\/default$)/;

/** Opens the cluster, or returns why there is none. */
export async function openCluster(): Promise<Cluster | { none: string }> {
  const config = process.env.KUBECONFIG || join(homedir(), ".kube/config");
  if (!existsSync(config.split(":")[0]!))
    return { none: `There is no kubeconfig at ${config}: set KUBECONFIG to one that leads to a cluster.` };
  const [kubectlPath, helmPath] = await Promise.all(
    ["kubectl", "helm"].map(async (name) =>
      (await succeed(process.execPath, ["scripts/setup/kube-tool.mjs", name])).trim(),
    ),
  );
  const answer = await run(kubectlPath!, ["version", "--request-timeout=10s"]);
  if (answer.code !== 0) return { none: `The cluster of ${config} does not answer: ${answer.stderr.trim()}` };

  const kubectl: Cluster["kubectl"] = (args, input) =>
    succeed(kubectlPath!, args, input === undefined ? {} : { input });
  return {
    kubectl,
    tryKubectl: (args, input) => run(kubectlPath!, args, input === undefined ? {} : { input }),
    spawnKubectl: (args) => spawn(kubectlPath!, args, { stdio: "pipe" }),
    helm: (args, input) => succeed(helmPath!, args, input === undefined ? {} : { input }),
    async apply(objects) {
      await kubectl(
        ["apply", "--filename", "-"],
        JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }),
      );
    },
    async objectsIn(namespace) {
      const kinds = (await kubectl(["api-resources", "--verbs=list", "--namespaced", "--output=name"]))
        .split("\n")
        .filter(
          (kind) =>
            kind !== "" &&
            !kind.startsWith("events") &&
            !kind.endsWith(".metrics.k8s.io") &&
            !kind.startsWith("bindings"),
        );
      const names = await kubectl(["get", kinds.join(","), "--namespace", namespace, "--output=name"]);
      return new Set(names.split("\n").filter((name) => name !== "" && !NOT_OURS.test(name)));
    },
    async forward(namespace, service, port) {
      const child = spawn(
        kubectlPath!,
        ["port-forward", "--namespace", namespace, `service/${service}`, `:${port}`, "--address=127.0.0.1"],
        { stdio: ["ignore", "pipe", "pipe"] },
      );
      const exited = once(child, "exit");
      let said = "";
      const local = await new Promise<number>((done, fail) => {
        const hear = (chunk: Buffer) => {
          if (said.length < 4_000) said += chunk;
          const found = /127\.0\.0\.1:(\d+) ->/.exec(said);
          if (found) done(Number(found[1]));
        };
        child.stdout.on("data", hear);
        child.stderr.on("data", hear);
        child.once("error", fail);
        child.once("exit", () => fail(new Error(`kubectl port-forward ended: ${said}`)));
      });
      return {
        port: local,
        async close() {
          child.kill();
          await exited;
        },
      };
    },
  };
}

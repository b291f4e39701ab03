import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Closer, createCloser } from "@fleet/base";
import { type Client, createClient } from "@fleet/sdk";
import { APPS_DOMAIN } from "./app-visitor.js";
import type { Cluster } from "./cluster.js";
import type { Images } from "./images.js";
import { type Ended, type RunOptions, run } from "./process.js";
import { storeObjects } from "./stores.js";
import { waitUntil } from "./wait.js";

const EXECUTABLE = resolve("dist/bin/coder-linux-amd64");
export const RELEASE = "coder";
const DRAIN_SECONDS = 180;
const VOLUMES_AND_NAMESPACES =
  'jsonpath={range .items[*]}{"persistentvolume/"}{.metadata.name}{" "}{.spec.claimRef.namespace}{"\\n"}{end}';

/** The chart, installed in its own namespace, with workspaces in another. */
export type Installation = {
  readonly namespace: string;
  readonly workspaces: string;
  /** Runs helm install, or upgrade with other values, and waits until every pod is ready. */
  install(values?: Values): Promise<void>;
  /** Creates the first user, an owner, through a connection to the proxy. */
  signUp(): Promise<FrontDoor>;
  /** Runs helm uninstall; throws if any object or workspace volume is left. */
  uninstall(): Promise<void>;
  /** Logs and status of its pods, for a failure report. */
  diagnose(): Promise<string>;
  /** Deletes everything, including the namespaces. */
  close(): Promise<void>;
};

export type FrontDoor = {
  readonly url: string;
  readonly port: number;
  readonly token: string;
  readonly client: Client;
  /** Runs the CLI as a user would. */
  coder(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Environment with the URL and session of the signed-in CLI. */
  readonly env: Record<string, string>;
  readonly executable: string;
};

/** Additional values for the chart; a section replaces the test's own. */
export type Values = {
  coderd?: Record<string, unknown>;
  provisionerd?: Record<string, unknown>;
  proxy?: Record<string, unknown>;
  extraTemplates?: string[];
};

/** Creates the namespaces and the stores, and waits until the stores are ready. */
export async function prepareInstallation(cluster: Cluster, images: Images): Promise<Installation> {
  if (!existsSync(EXECUTABLE)) throw new Error("dist/ is not built: run `make build`.");
  const id = randomBytes(3).toString("hex");
  const namespace = `coder-e2e-${id}`;
  const workspaces = `coder-e2e-${id}-workspaces`;
  const closer = createCloser();
  closer.add(async () => {
    await cluster.kubectl([
      "delete",
      "namespace",
      namespace,
      workspaces,
      "--ignore-not-found",
      "--timeout=300s",
    ]);
  });
  closer.add(async () => {
    await cluster.helm([
      ...["uninstall", RELEASE, "--namespace", namespace, "--ignore-not-found", "--wait", "--timeout=5m"],
    ]);
  });
  closeOnSignal(closer);
  await cluster.apply([
    namespaceObject(namespace, "restricted"),
    namespaceObject(workspaces, "baseline"),
    ...storeObjects(namespace, images.stores),
  ]);
  for (const name of ["postgres", "redis"])
    await cluster.kubectl([
      "rollout",
      "status",
      `deployment/${name}`,
      "--namespace",
      namespace,
      "--timeout=300s",
    ]);
  // Only after the rollout, because its pods and replica sets remain.
  const before = await cluster.objectsIn(namespace);

  return {
    namespace,
    workspaces,
    async install(values = {}) {
      await cluster.helm(
        [
          ...["upgrade", "--install", RELEASE, "charts/coder", "--namespace", namespace],
          ...["--wait", "--timeout=10m", "--values", "-"],
        ],
        JSON.stringify(valuesOf(images, workspaces, values)),
      );
    },
    async signUp() {
      const forward = await cluster.forward(namespace, RELEASE, 80);
      closer.add(() => forward.close());
      const folder = await mkdtemp(join(tmpdir(), "fleet-e2e-"));
      closer.add(() => rm(folder, { recursive: true, force: true }));
      return signUp(forward.port, folder);
    },
    async uninstall() {
      await cluster.helm(["uninstall", RELEASE, "--namespace", namespace, "--wait", "--timeout=5m"]);
      const leftBehind = async () => {
        const own = [...(await cluster.objectsIn(namespace))].filter((name) => !before.has(name));
        const volumes = await cluster.kubectl(["get", "pv", `--output=${VOLUMES_AND_NAMESPACES}`]);
        const kept = volumes.split("\n").filter((line) => line.endsWith(` ${workspaces}`));
        return [...own, ...(await cluster.objectsIn(workspaces)), ...kept];
      };
      // Helm waits for the Deployments to be deleted; their pods may still be draining.
      await waitUntil("nothing to be left", DRAIN_SECONDS, async () => {
        const left = await leftBehind();
        if (left.length === 0) return true;
        throw new Error(`${left.join(", ")} are still there`);
      });
    },
    diagnose: () => diagnose(cluster, [namespace, workspaces]),
    close: () => closer.close(),
  };
}

/** Cleans up if the test is interrupted. */
function closeOnSignal(closer: Closer): void {
  const close = () => void closer.close().finally(() => process.exit(1));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, close);
    closer.add(() => void process.off(signal, close));
  }
}

function namespaceObject(name: string, standard: string): object {
  const labels = { "pod-security.kubernetes.io/enforce": standard };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

/** Small resource requests, so that everything fits on one small node. */
function valuesOf(images: Images, workspaces: string, more: Values): object {
  const part = (image: string, memory: string) => {
    const at = image.lastIndexOf(":");
    return {
      image: { repo: image.slice(0, at), tag: image.slice(at + 1) },
      resources: { requests: { cpu: "50m", memory } },
    };
  };
  return {
    coder: {
      ...part(images.coderd, "256Mi"),
      env: [
        { name: "CODER_WILDCARD_ACCESS_URL", value: `*.${APPS_DOMAIN}` },
        // The whole load comes from one user.
        { name: "CODER_DANGEROUS_DISABLE_RATE_LIMITS", value: "true" },
      ],
      service: { type: "ClusterIP" },
      serviceAccount: {
        workspaceNamespaces: [{ name: workspaces, workspacePerms: true, enableDeployments: true }],
      },
      ...more.coderd,
    },
    provisionerd: { ...part(images.provisionerd, "128Mi"), replicaCount: 1, ...more.provisionerd },
    proxy: { ...part(images.proxy, "128Mi"), ...more.proxy },
    postgres: { secretName: "stores-postgres" },
    redis: { secretName: "stores-redis" },
    networkPolicy: {
      postgres: { podLabels: { "app.kubernetes.io/name": "postgres" } },
      redis: { podLabels: { "app.kubernetes.io/name": "redis" } },
    },
    extraTemplates: more.extraTemplates ?? [],
  };
}

async function signUp(port: number, folder: string): Promise<FrontDoor> {
  const url = `http://127.0.0.1:${port}`;
  const env = { CODER_CONFIG_DIR: folder };
  const coder: FrontDoor["coder"] = (args, options = {}) =>
    run(EXECUTABLE, args, { ...options, env: { ...env, ...options.env } });
  const login = await coder(["login", url], {
    env: {
      CODER_FIRST_USER_EMAIL: "owner@example.com",
      CODER_FIRST_USER_USERNAME: "owner",
      CODER_FIRST_USER_PASSWORD: randomBytes(12).toString("base64url"),
    },
  });
  if (login.code !== 0) throw new Error(`coder login ended with ${login.code}: ${login.stderr}`);
  const token = (await coder(["login", "token"])).stdout.trim();
  return {
    url,
    port,
    token,
    client: createClient({ baseUrl: url, token }),
    coder,
    env,
    executable: EXECUTABLE,
  };
}

async function diagnose(cluster: Cluster, namespaces: string[]): Promise<string> {
  const parts = namespaces.flatMap((namespace) => [
    ["get", "all,pvc", "--namespace", namespace, "--output=wide"],
    ["get", "events", "--namespace", namespace, "--sort-by=.lastTimestamp"],
    [
      "logs",
      "--namespace",
      namespace,
      "--selector=app.kubernetes.io/part-of=coder",
      "--all-containers",
      "--prefix",
      "--tail=40",
    ],
  ]);
  const answers = parts.map((args) => cluster.kubectl(args).catch((error: Error) => error.message));
  return (await Promise.all(answers)).join("\n");
}

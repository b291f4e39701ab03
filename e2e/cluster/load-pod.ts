import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cluster } from "./cluster.js";
import type { LoadResult, LoadSettings } from "./load/main.js";
import { succeed } from "./process.js";
import { say } from "./stages.js";

const POD = "load";
const PROGRAM = "/tmp/load.mjs";
const EXECUTABLE = "/tmp/coder";

/** A load-generating pod in the cluster, so that its connections do not depend on this machine. */
export type LoadPod = {
  start(settings: Omit<LoadSettings, "url" | "token" | "coder">): RunningLoad;
  /** Runs the signed-in CLI in the pod; throws its error output. */
  coder(args: readonly string[]): Promise<string>;
  /** Updates the CLI to the version that the deployment now serves. */
  renew(): Promise<void>;
  close(): Promise<void>;
};

export type RunningLoad = {
  /** Rejects if the load generator exits by itself. */
  readonly broken: Promise<never>;
  /** Waits for running work to finish, and returns the result. */
  stop(): Promise<LoadResult>;
};

/** Starts the pod, with the load generator and the CLI as served by the deployment. */
export async function startLoadPod(
  cluster: Cluster,
  of: { namespace: string; image: string; url: string; token: string },
): Promise<LoadPod> {
  const { namespace, image, url, token } = of;
  const inPod = ["--namespace", namespace, POD, "--"];
  await cluster.apply([podObject(namespace, image)]);
  await cluster.kubectl([
    "wait",
    `pod/${POD}`,
    "--namespace",
    namespace,
    "--for=condition=Ready",
    "--timeout=120s",
  ]);
  await cluster.kubectl(["exec", "--stdin", ...inPod, "sh", "-c", `cat > ${PROGRAM}`], await bundleLoad());
  const download = `fetch("${url}/bin/coder-linux-amd64").then(async (answer) => {
    if (!answer.ok) throw new Error("The executable was answered with " + answer.status);
    require("node:fs").writeFileSync("${EXECUTABLE}", Buffer.from(await answer.arrayBuffer()), { mode: 0o755 });
  })`;
  const renew = async () => void (await cluster.kubectl(["exec", ...inPod, "node", "-e", download]));
  await renew();
  const signedIn = [
    "env",
    `CODER_URL=${url}`,
    `CODER_SESSION_TOKEN=${token}`,
    "CODER_CONFIG_DIR=/tmp/config",
  ];
  return {
    renew,
    start(settings) {
      const all: LoadSettings = { ...settings, url, token, coder: EXECUTABLE };
      const program = [...signedIn, "node", PROGRAM, JSON.stringify(all)];
      return followLoad(cluster, ["exec", "--stdin", ...inPod, ...program]);
    },
    coder: (args) => cluster.kubectl(["exec", ...inPod, ...signedIn, EXECUTABLE, ...args]),
    async close() {
      await cluster.kubectl([
        "delete",
        "pod",
        POD,
        "--namespace",
        namespace,
        "--ignore-not-found",
        "--grace-period=1",
      ]);
    },
  };
}

function followLoad(cluster: Cluster, args: string[]): RunningLoad {
  const child = cluster.spawnKubectl(args);
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => {
    printed += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => say(String(chunk).trimEnd()));
  child.stdin.on("error", () => {});
  let stopping = false;
  const exited = new Promise<number>((done) => child.once("close", (code) => done(code ?? -1)));
  const broken = exited.then((code): Promise<never> => {
    if (stopping) return new Promise(() => {});
    throw new Error(`The load ended by itself, with ${code}.`);
  });
  broken.catch(() => {});
  return {
    broken,
    async stop() {
      stopping = true;
      child.stdin.end();
      const code = await exited;
      if (code !== 0) throw new Error(`The load ended with ${code}; what it said is above.`);
      return JSON.parse(printed);
    },
  };
}

async function bundleLoad(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "fleet-load-"));
  try {
    const file = join(folder, "load.mjs");
    await succeed(process.execPath, ["scripts/bench/bundle.mjs", "e2e/cluster/load/main.ts", file]);
    return await readFile(file, "utf8");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function podObject(namespace: string, image: string): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: POD, namespace },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 1,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        runAsGroup: 1000,
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: [
        {
          name: POD,
          image,
          imagePullPolicy: "IfNotPresent",
          command: ["sleep", "infinity"],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
          volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
        },
      ],
      volumes: [{ name: "tmp", emptyDir: {} }],
    },
  };
}

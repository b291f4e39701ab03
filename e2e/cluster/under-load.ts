import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { portUrl } from "./app-visitor.js";
import type { Cluster } from "./cluster.js";
import type { Images } from "./images.js";
import { type FrontDoor, type Installation, RELEASE, type Values } from "./installation.js";
import type { LoadResult } from "./load/main.js";
import { type LoadPod, type RunningLoad, startLoadPod } from "./load-pod.js";
import type { ClusterTest } from "./on-cluster.js";
import { say } from "./stages.js";
import { type Tiers, tiersOf } from "./tiers.js";
import {
  coder,
  createWorkspace,
  pushKubernetes,
  pushTemplate,
  serveCommand,
  type WorkspacePlace,
} from "./workspace.js";

const PORT = 8000;
const PAGE = "served under load";
const BUILDERS = 4;
const SESSIONS = 5;
/** How long a build's simulated cloud takes. */
const BUILD_SECONDS = 4;
const LABEL = "e2e.coder.com/load=true";
/** Failures that must not occur under load; counted by the load generator. */
export const HARM = ["failed_requests", "lost_builds", "doubled_builds", "broken_cli_sessions"] as const;

export type Installed = {
  installation: Installation;
  tiers: Tiers;
  pod: LoadPod;
  /** Updates the agent and the CLI of the workspace and the load to the deployment's current version. */
  renew(): Promise<void>;
  /** Starts the load; with `kills`, clients retry what is safe to retry, and a build may fail with its daemon. */
  load(kills: boolean): RunningLoad;
  /** Stops the load, compares the remaining resources with the recorded state, and notes the results. */
  finish(load: RunningLoad): Promise<LoadResult>;
};

/** Creates the stores, installs the chart with these images and values, and prepares the load. */
export async function installUnderLoad(
  { cluster, settings, stages, prepare }: ClusterTest,
  images: Images,
  values: Values,
): Promise<Installed> {
  const installation = await prepare(images);
  await stages.run("helm install --wait", () => installation.install(values));
  const place: WorkspacePlace = {
    workspaces: installation.workspaces,
    image: images.workspace,
    kubectlProvider: settings.mirror !== "",
    folder: settings.folder,
  };
  const { namespace } = installation;
  const door = await installation.signUp();
  await stages.run("first workspace ready", async () => {
    await pushKubernetes(door, place);
    await createWorkspace(door, "dev");
    await coder(door, ["ssh", "dev", "--", serveCommand(PORT, PAGE)]);
  });
  const buildTemplateId = await stages.run("load prepared", () => pushLoadTemplate(door, place));
  const url = `http://${RELEASE}.${namespace}.svc.cluster.local`;
  const pod = await startLoadPod(cluster, { namespace, image: images.client, url, token: door.token });
  return {
    installation,
    tiers: tiersOf(cluster, namespace),
    pod,
    async renew() {
      await pod.renew();
      await pod.coder(["restart", "dev", "--yes"]);
      await pod.coder(["ssh", "dev", "--", serveCommand(PORT, PAGE)]);
    },
    load: (kills) =>
      pod.start({
        workspace: "dev",
        page: { url: portUrl("dev", PORT), expected: PAGE },
        buildTemplateId,
        builders: BUILDERS,
        sessions: SESSIONS,
        kills,
      }),
    async finish(load) {
      const result = await stages.run("load ended", () => load.stop());
      const parted = await partedResources(cluster, place.workspaces, result);
      for (const line of parted) say(`lost_builds: ${line}`);
      const { failures, reasons, workspaces, ...figures } = result;
      figures.lost_builds += parted.length;
      for (const [key, value] of Object.entries(figures)) stages.note(key, value);
      for (const [reason, times] of Object.entries(reasons)) say(`${times} builds ended with: ${reason}`);
      await stages.run("workspaces deleted", async () => {
        for (let index = 1; index <= workspaces.length; index++)
          await pod.coder(["delete", `load-${index}`, "--yes"]);
      });
      const left = await recordsIn(cluster, place.workspaces);
      if (left.length > 0) throw new Error(`Deleted workspaces left ${left.join(", ")} behind.`);
      return { ...result, ...figures };
    },
  };
}

/** Pushes the builds' template; returns its ID. */
async function pushLoadTemplate(door: FrontDoor, place: WorkspacePlace): Promise<string> {
  const directory = join(place.folder, "load-template");
  const [kept, dropped] = place.kubectlProvider
    ? ["objects.kubectl.tf", "objects.tf"]
    : ["objects.tf", "objects.kubectl.tf"];
  await cp("e2e/cluster/load/template", directory, { recursive: true });
  await rm(join(directory, dropped));
  say(`The builds make their objects by ${kept}.`);
  await pushTemplate(door, "load", directory, [`namespace=${place.workspaces}`, `seconds=${BUILD_SECONDS}`]);
  const [template] = (await door.client.templateList({})).filter(({ name }) => name === "load");
  if (!template) throw new Error("The template was pushed, and is not listed.");
  return template.id;
}

/** Differences between existing objects and recorded state: a sentence for each workspace. */
async function partedResources(cluster: Cluster, namespace: string, result: LoadResult): Promise<string[]> {
  const found = new Set(await recordsIn(cluster, namespace));
  return result.workspaces.flatMap(({ workspace, isStarted }) => {
    const isThere = found.has(`persistentvolumeclaim/load-${workspace}`);
    if (isThere === isStarted) return [];
    return [
      `workspace ${workspace} was ${isStarted ? "started" : "stopped"}, and its object is ${isThere ? "" : "not "}there`,
    ];
  });
}

async function recordsIn(cluster: Cluster, namespace: string): Promise<string[]> {
  const names = await cluster.kubectl([
    ...["get", "persistentvolumeclaims", "--namespace", namespace, `--selector=${LABEL}`, "--output=name"],
  ]);
  return names.split("\n").filter((name) => name !== "");
}

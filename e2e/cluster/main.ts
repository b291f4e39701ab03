import { checkCharts } from "./charts.js";
import type { Cluster } from "./cluster.js";
import type { FrontDoor } from "./installation.js";
import { onCluster } from "./on-cluster.js";
import { sharePeriodicJobs } from "./periodic-jobs.js";
import type { Stages } from "./stages.js";
import { measureUsage } from "./usage.js";
import { waitUntil } from "./wait.js";
import {
  agentReady,
  coder,
  createWorkspace,
  openDevUrl,
  pushKubernetes,
  serveCommand,
  typeInWebTerminal,
  typeOverSsh,
  type WorkspacePlace,
  workspaceOf,
} from "./workspace.js";

/** A developer's day on a real cluster, from building images to uninstalling the release, with each stage timed. */
await onCluster(async ({ cluster, settings, stages, provideImages, prepare }) => {
  const images = await provideImages();
  const installation = await prepare(images);
  const { namespace, workspaces, install, signUp, uninstall } = installation;
  const objects = await stages.run("charts' objects accepted", () =>
    checkCharts(cluster, `${namespace}-check`),
  );
  stages.note("objects_accepted", objects);
  await stages.run("helm install --wait", () => install());
  const door = await stages.run("first user", signUp);
  for (const [tier, { memoryMb, cpuMillicores }] of Object.entries(
    await measureUsage(cluster, namespace, 20),
  )) {
    stages.note(`idle_${tier}_mb`, memoryMb);
    stages.note(`idle_${tier}_millicores`, cpuMillicores);
  }
  stages.note(
    "reconciled_in_15_s",
    await stages.run("three replicas of coderd share its jobs", () => sharePeriodicJobs(cluster, namespace)),
  );
  await workInWorkspace(cluster, stages, door, {
    workspaces,
    image: images.workspace,
    kubectlProvider: settings.mirror !== "",
    folder: settings.folder,
  });
  await stages.run("helm uninstall, nothing left", uninstall);
  await stages.run("namespaces deleted", installation.close);
  stages.report("e2e-cluster");
});

async function workInWorkspace(
  cluster: Cluster,
  stages: Stages,
  door: FrontDoor,
  of: WorkspacePlace,
): Promise<void> {
  await stages.run("template pushed", () => pushKubernetes(door, of));
  const agent = await stages.run("first workspace ready", () => createWorkspace(door, "dev"));
  await stages.run("typed over SSH", () =>
    typeOverSsh(door, "dev", "echo kept-$((6*7)) > ~/kept; cat ~/kept", "kept-42"),
  );
  await stages.run("typed in the web terminal", () =>
    typeInWebTerminal(door, agent.id, "echo web-$((6*7))", "web-42"),
  );
  await stages.run("dev URL opened", async () => {
    await coder(door, ["ssh", "dev", "--", serveCommand(8000, "served from a pod")]);
    const page = await openDevUrl(door, "dev", 8000);
    if (page.trim() !== "served from a pod") throw new Error(`The dev URL showed: ${page}`);
  });
  const listed = async (kind: string) =>
    (await cluster.kubectl(["get", kind, "--namespace", of.workspaces, "--output=name"])).trim();
  const gone = (kind: string) =>
    waitUntil(`${kind} to be gone`, 120, async () => (await listed(kind)) === "");
  await stages.run("stopped", async () => {
    await coder(door, ["stop", "dev", "--yes"]);
    await gone("pods");
    if ((await listed("pvc")) === "") throw new Error("The home folder's claim went with the pod.");
  });
  await stages.run("started again, home kept", async () => {
    await coder(door, ["start", "dev", "--yes"]);
    await agentReady(door, "dev");
    const kept = await coder(door, ["ssh", "dev", "--", "cat ~/kept"]);
    if (kept !== "kept-42\n") throw new Error(`The home folder's file holds ${JSON.stringify(kept)}.`);
  });
  await stages.run("deleted", async () => {
    await coder(door, ["delete", "dev", "--yes"]);
    await gone("pods,pvc,deployments");
    const found = await workspaceOf(door, "dev").catch(() => undefined);
    if (found) throw new Error("The workspace is still listed.");
  });
}

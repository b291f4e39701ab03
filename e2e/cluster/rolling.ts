import { waitFor } from "@fleet/testkit";
import { buildFormer, findFormer } from "./former.js";
import { type Images, imagesOf, loadImages, SERVICES, tagServices } from "./images.js";
import { onCluster } from "./on-cluster.js";
import { type Stages, say } from "./stages.js";
import { HARM, type Installed, installUnderLoad } from "./under-load.js";

/**
 * Upgrades from the previous release, one tier at a time; then scales each tier and rolls it to another image under
 * load. Users must not notice.
 */
await onCluster(async (context) => {
  const { settings, stages } = context;
  const current = await context.provideImages();
  const next = await stages.run("second images", async () => {
    const renamed = await tagServices(settings, `${settings.tag}-next`);
    await loadImages(renamed, SERVICES);
    return imagesOf(renamed);
  });
  const one = { replicaCount: 1 };
  const former = await findFormer();
  if (!former) say("Skipped: the upgrade. This clone's history does not reach the former release.");
  const images = former ? await stages.run("former images", () => buildFormer(settings, former)) : current;
  const values = { coderd: one, provisionerd: one, proxy: one };
  const installed = await installUnderLoad(context, images, values);
  if (former) await upgrade(stages, installed, { from: images, to: current });

  const { tiers } = installed;
  const load = installed.load(false);
  const step = (name: string, change: () => Promise<void>) =>
    stages.run(name, () => Promise.race([change(), load.broken]));
  for (const tier of ["coderd", "proxy"] as const) {
    await step(`${tier} from one to three`, () => tiers.scale(tier, 3));
    await step(`${tier} to another image`, () => tiers.roll(tier, next[tier]));
    await step(`${tier} from three to one`, () => tiers.scale(tier, 1));
  }
  await step("provisionerd to another image", () => tiers.roll("provisionerd", next.provisionerd));
  await step("provisionerd from one to three", () => tiers.scale("provisionerd", 3));
  await step("provisionerd from three to one", () => tiers.scale("provisionerd", 1));
  await installed.finish(load);
  stages.report("e2e-rolling", HARM);
});

/** The schema first, with everything else unchanged (including the previous coderd); then each tier, in any order. */
async function upgrade(
  stages: Stages,
  { tiers, pod, renew }: Installed,
  { from, to }: { from: Images; to: Images },
): Promise<void> {
  await pod.coder(["create", "upgraded", "--template", "load", "--yes"]);
  /** What a developer does, across all tiers. */
  const works = async () => {
    await pod.coder(["stop", "upgraded", "--yes"]);
    await pod.coder(["start", "upgraded", "--yes"]);
    // The agent reconnects within a second, or after 5 or 10 if a DNS packet of its is lost in a cluster that changes. The
    // load holds how long sessions pause.
    const said = await waitFor(() => pod.coder(["ssh", "dev", "--", "echo here"]), {
      what: "a command in the workspace",
      timeoutMs: 30_000,
    });
    if (said.trim() !== "here") throw new Error(`The workspace said ${JSON.stringify(said)}.`);
  };
  const step = (name: string, change: () => Promise<unknown>) =>
    stages.run(name, async () => {
      await change();
      await works();
    });
  await step("coderd and schema upgraded", () => tiers.roll("coderd", to.coderd));
  await step("former coderd on the schema", () => tiers.roll("coderd", from.coderd));
  await step("provisionerd upgraded", () => tiers.roll("provisionerd", to.provisionerd));
  await step("proxy upgraded", () => tiers.roll("proxy", to.proxy));
  await step("coderd upgraded", () => tiers.roll("coderd", to.coderd));
  await pod.coder(["delete", "upgraded", "--yes"]);
  await stages.run("agent and command line upgraded", renew);
}

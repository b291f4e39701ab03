import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorMessage } from "@fleet/base";
import { type Cluster, openCluster } from "./cluster.js";
import {
  buildImages,
  type ImageSettings,
  type Images,
  imagesOf,
  loadImages,
  readImageSettings,
} from "./images.js";
import { type Installation, prepareInstallation } from "./installation.js";
import { createStages, type Stages, say } from "./stages.js";

/** What a cluster test works with. */
export type ClusterTest = {
  cluster: Cluster;
  settings: ImageSettings;
  stages: Stages;
  /** Builds and loads all images, unless E2E_IMAGE_TAG names existing ones. */
  provideImages(): Promise<Images>;
  /** Creates namespaces with stores in them. Everything is deleted when the test ends. */
  prepare(images: Images): Promise<Installation>;
};

/**
 * Runs a test on the cluster of KUBECONFIG; prints why if there is none. If the test fails, prints the pods' logs and
 * exits with 1. E2E_KEEP keeps everything.
 */
export async function onCluster(test: (context: ClusterTest) => Promise<void>): Promise<void> {
  const cluster = await openCluster();
  if ("none" in cluster) return say(`Skipped: ${cluster.none}`);
  const folder = await mkdtemp(join(tmpdir(), "fleet-images-"));
  const settings = { ...readImageSettings(), folder };
  const stages = createStages();
  let installation: Installation | undefined;
  try {
    await test({
      cluster,
      settings,
      stages,
      async provideImages() {
        if (!process.env.E2E_IMAGE_TAG) {
          const sizes = await stages.run("images built", () => buildImages(settings));
          for (const [name, size] of Object.entries(sizes)) stages.note(`image_${name}_mb`, size);
          await stages.run("images loaded", () => loadImages(settings));
        }
        return imagesOf(settings);
      },
      async prepare(images) {
        installation = await stages.run("stores ready", () => prepareInstallation(cluster, images));
        return installation;
      },
    });
  } catch (error) {
    if (installation) say(await installation.diagnose().catch(errorMessage));
    say((error as Error).stack ?? String(error));
    process.exitCode = 1;
  } finally {
    if (!process.env.E2E_KEEP) await installation?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

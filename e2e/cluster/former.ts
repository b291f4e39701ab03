import { join } from "node:path";
import { buildServices, type ImageSettings, type Images, imagesOf, loadImages, SERVICES } from "./images.js";
import { run, succeed } from "./process.js";

/** The previous release. Update it with each release. */
const FORMER_RELEASE = "cdccf03";

/** The commit of the previous release, or of E2E_FORMER_REF if set. Undefined if the clone's history is too shallow. */
export async function findFormer(): Promise<string | undefined> {
  const ref = process.env.E2E_FORMER_REF || FORMER_RELEASE;
  const found = await run("git", ["rev-parse", "--verify", "--quiet", `${ref}^{commit}`]);
  return found.code === 0 ? found.stdout.trim() : undefined;
}

/** Builds and loads the services' images of a commit; returns all images with those replaced. */
export async function buildFormer(settings: ImageSettings, commit: string): Promise<Images> {
  const tag = `${settings.tag}-former`;
  const former = { ...settings, tag, folder: join(settings.folder, tag) };
  const tree = join(settings.folder, "former");
  await succeed("git", ["worktree", "add", "--detach", tree, commit]);
  try {
    await buildServices(former, tree);
  } finally {
    await succeed("git", ["worktree", "remove", "--force", tree]);
  }
  await loadImages(former, SERVICES);
  const { coderd, provisionerd, proxy } = imagesOf(former);
  return { ...imagesOf(settings), coderd, provisionerd, proxy };
}

import { join } from "node:path";
import { buildServices, type ImageSettings, type Images, imagesOf, loadImages, SERVICES } from "./images.js";
import { run, succeed } from "./process.js";

const MIGRATIONS = "services/coderd/prisma/migrations";

/**
 * The commit that stands for the former release: E2E_FORMER_REF, or the last one before the schema changed. Undefined
 * where the history does not reach so far.
 */
export async function findFormer(): Promise<string | undefined> {
  const named = process.env.E2E_FORMER_REF;
  const newest = await run("git", ["log", "-1", "--format=%H", "--", MIGRATIONS]);
  const ref = named || (newest.stdout.trim() && `${newest.stdout.trim()}^`);
  if (!ref) return undefined;
  const found = await run("git", ["rev-parse", "--verify", "--quiet", `${ref}^{commit}`]);
  return found.code === 0 ? found.stdout.trim() : undefined;
}

/** Builds and loads the services' images of a commit; gives all images, with those of the services in place. */
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

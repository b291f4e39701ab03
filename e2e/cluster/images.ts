import { cp, mkdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { run, succeed } from "./process.js";

const HERE = resolve("e2e/cluster/images");
const SERVICES = ["coderd", "provisionerd", "proxy"] as const;
/** What templates of the tests name. A mirror holds more, which would only make the image larger. */
const PROVIDERS = ["gavinbunney/kubectl", "hashicorp/time"];

/** References that a pod can name. */
export type Images = Record<(typeof SERVICES)[number] | "stores" | "workspace", string>;

export type ImageSettings = {
  /** First part of the names. */
  repo: string;
  tag: string;
  /** Where archives lie until they are loaded. */
  folder: string;
  /** A filesystem mirror of Terraform providers, which provisionerd gets; empty where the cluster reaches a registry. */
  mirror: string;
  /** A command that gets archives as arguments and loads them into the cluster; empty to push to a registry instead. */
  loadCommand: string;
};

/** From E2E_IMAGE_REPO, E2E_IMAGE_TAG, E2E_LOAD_IMAGES and E2E_PROVIDER_MIRROR. */
export function readImageSettings(): Omit<ImageSettings, "folder"> {
  const { E2E_IMAGE_REPO: repo, E2E_IMAGE_TAG, E2E_LOAD_IMAGES, E2E_PROVIDER_MIRROR } = process.env;
  const loadCommand = E2E_LOAD_IMAGES ?? "";
  // Loaded images take the place of earlier ones; pushed ones would not, on nodes that have pulled them.
  const tag = E2E_IMAGE_TAG || (loadCommand ? "e2e" : `e2e-${Date.now().toString(36)}`);
  return { repo: repo || "localhost/coder", tag, mirror: E2E_PROVIDER_MIRROR ?? "", loadCommand };
}

export function imagesOf({ repo, tag, mirror }: Pick<ImageSettings, "repo" | "tag" | "mirror">): Images {
  return {
    coderd: `${repo}/coderd:${tag}`,
    provisionerd: `${repo}/provisionerd:${tag}${mirror ? "-mirror" : ""}`,
    proxy: `${repo}/proxy:${tag}`,
    stores: `${repo}/e2e-stores:${tag}`,
    workspace: `${repo}/e2e-workspace:${tag}`,
  };
}

/** Builds every image. Gives the sizes of the services' archives, in MB. */
export async function buildImages(settings: ImageSettings): Promise<Record<string, number>> {
  const { repo, tag, folder, mirror } = settings;
  await mkdir(folder, { recursive: true });
  if (!(await hasDocker())) await succeed("bash", ["scripts/setup/packages.sh", "images"], { show: true });
  await succeed("bash", ["scripts/images/build.sh"], {
    env: { IMAGE_REPO: repo, IMAGE_TAG: tag, IMAGE_ARCHIVES: folder },
  });
  const images = imagesOf(settings);
  const builder = await findBuilder();
  for (const target of ["stores", "workspace"] as const) {
    await builder.build(images[target], ["--target", target, "--file", join(HERE, "Dockerfile"), HERE]);
    await builder.save(images[target], join(folder, `${target}.tar`));
  }
  if (mirror) {
    const providers = join(folder, "providers");
    for (const name of PROVIDERS)
      await cp(join(mirror, "registry.terraform.io", name), join(providers, name), { recursive: true });
    const base = `PROVISIONERD=${repo}/provisionerd:${tag}`;
    const file = join(HERE, "provisionerd.Dockerfile");
    await builder.build(images.provisionerd, ["--build-arg", base, "--file", file, providers]);
    await builder.save(images.provisionerd, join(folder, "provisionerd-mirror.tar"));
  }
  const sizes = SERVICES.map(
    async (name) => [name, (await stat(join(folder, `${name}.tar`))).size / 1e6] as const,
  );
  return Object.fromEntries(await Promise.all(sizes));
}

/** Brings the images to where the cluster finds them. */
export async function loadImages(settings: ImageSettings): Promise<void> {
  const { folder, mirror, loadCommand } = settings;
  if (loadCommand) {
    const names = ["coderd", mirror ? "provisionerd-mirror" : "provisionerd", "proxy", "stores", "workspace"];
    const files = names.map((name) => join(folder, `${name}.tar`));
    // Through a shell, for it is the operator's own command, with its own arguments.
    await succeed("sh", ["-c", `${loadCommand} "$@"`, "load", ...files]);
    return;
  }
  const builder = await findBuilder();
  for (const image of Object.values(imagesOf(settings))) await builder.push(image);
}

async function hasDocker(): Promise<boolean> {
  return (await run("docker", ["info"]).catch(() => ({ code: -1 }))).code === 0;
}

/** docker or buildah, whichever scripts/images/build.sh takes. */
async function findBuilder() {
  if (await hasDocker()) {
    return {
      build: (image: string, args: string[]) => succeed("docker", ["build", "--tag", image, ...args]),
      save: (image: string, file: string) => succeed("docker", ["save", "--output", file, image]),
      push: (image: string) => succeed("docker", ["push", image]),
    };
  }
  const buildah = (args: string[]) =>
    succeed("buildah", ["--storage-driver", process.env.BUILDAH_STORAGE_DRIVER ?? "overlay", ...args]);
  return {
    build: (image: string, args: string[]) =>
      buildah(["bud", "--isolation", "chroot", "--network", "host", "--layers", "--tag", image, ...args]),
    save: (image: string, file: string) =>
      buildah(["push", "--quiet", image, `docker-archive:${file}:${image}`]),
    push: (image: string) => buildah(["push", "--quiet", image]),
  };
}

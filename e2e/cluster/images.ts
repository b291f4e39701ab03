import { cp, mkdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { run, succeed } from "./process.js";

const HERE = resolve("e2e/cluster/images");
export const SERVICES = ["coderd", "provisionerd", "proxy"] as const;
/** Providers that the tests' templates use. A mirror with more would only make the image larger. */
const PROVIDERS = ["gavinbunney/kubectl", "hashicorp/time"];

/** Image references for pods. */
export type Images = Record<Service | "stores" | "workspace" | "client", string>;
export type Service = (typeof SERVICES)[number];

export type ImageSettings = {
  /** Prefix of the image names. */
  repo: string;
  tag: string;
  /** Folder for archives before they are loaded. */
  folder: string;
  /** Filesystem mirror of Terraform providers for provisionerd; empty if the cluster can access a registry. */
  mirror: string;
  /** Command that loads the archives in its arguments into the cluster; empty to push to a registry instead. */
  loadCommand: string;
};

/** Reads E2E_IMAGE_REPO, E2E_IMAGE_TAG, E2E_LOAD_IMAGES and E2E_PROVIDER_MIRROR. */
export function readImageSettings(): Omit<ImageSettings, "folder"> {
  const { E2E_IMAGE_REPO: repo, E2E_IMAGE_TAG, E2E_LOAD_IMAGES, E2E_PROVIDER_MIRROR } = process.env;
  const loadCommand = E2E_LOAD_IMAGES ?? "";
  // Loaded images replace earlier ones; pushed ones do not on nodes that already pulled the tag.
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
    client: `${repo}/e2e-client:${tag}`,
  };
}

/** Builds all images. Returns the sizes of the services' archives, in MB. */
export async function buildImages(settings: ImageSettings): Promise<Record<string, number>> {
  const { repo, tag, folder } = settings;
  await buildServices(settings);
  const images = imagesOf(settings);
  const builder = await findBuilder();
  for (const target of ["stores", "workspace", "client"] as const) {
    const base = `PROXY=${repo}/proxy:${tag}`;
    const file = join(HERE, "Dockerfile");
    await builder.build(images[target], ["--target", target, "--build-arg", base, "--file", file, HERE]);
    await builder.save(images[target], join(folder, `${target}.tar`));
  }
  const sizes = SERVICES.map(
    async (name) => [name, (await stat(join(folder, `${name}.tar`))).size / 1e6] as const,
  );
  return Object.fromEntries(await Promise.all(sizes));
}

/** Builds the three services' images from the repository at `root` (default: this one). */
export async function buildServices(settings: ImageSettings, root = "."): Promise<void> {
  const { repo, tag, folder, mirror } = settings;
  await mkdir(folder, { recursive: true });
  if (!(await hasDocker())) await succeed("bash", ["scripts/setup/packages.sh", "images"], { show: true });
  await succeed("bash", [join(root, "scripts/images/build.sh")], {
    env: { IMAGE_REPO: repo, IMAGE_TAG: tag, IMAGE_ARCHIVES: folder },
  });
  if (!mirror) return;
  const image = imagesOf(settings).provisionerd;
  const builder = await findBuilder();
  const providers = join(folder, "providers");
  for (const name of PROVIDERS)
    await cp(join(mirror, "registry.terraform.io", name), join(providers, name), { recursive: true });
  const base = `PROVISIONERD=${repo}/provisionerd:${tag}`;
  await builder.build(image, [
    "--build-arg",
    base,
    "--file",
    join(HERE, "provisionerd.Dockerfile"),
    providers,
  ]);
  await builder.save(image, join(folder, "provisionerd-mirror.tar"));
}

/** Tags the services' images again, so that the cluster treats them as different images. */
export async function tagServices(settings: ImageSettings, tag: string): Promise<ImageSettings> {
  const renamed = { ...settings, tag, folder: join(settings.folder, tag) };
  await mkdir(renamed.folder, { recursive: true });
  const builder = await findBuilder();
  for (const [index, name] of SERVICES.entries()) {
    const [image, other] = [imagesOf(settings)[name], imagesOf(renamed)[name]];
    await builder.tag(image, other);
    await builder.save(other, join(renamed.folder, archivesOf(renamed, SERVICES)[index]!));
  }
  return renamed;
}

/** Makes images available to the cluster; all of them by default. */
export async function loadImages(
  settings: ImageSettings,
  names: readonly (keyof Images)[] = [...SERVICES, "stores", "workspace", "client"],
): Promise<void> {
  const { folder, loadCommand } = settings;
  if (loadCommand) {
    const files = archivesOf(settings, names).map((file) => join(folder, file));
    // Through a shell, because it is the operator's own command with arguments.
    await succeed("sh", ["-c", `${loadCommand} "$@"`, "load", ...files]);
    return;
  }
  const builder = await findBuilder();
  for (const name of names) await builder.push(imagesOf(settings)[name]);
}

function archivesOf({ mirror }: ImageSettings, names: readonly (keyof Images)[]): string[] {
  return names.map((name) => `${name}${name === "provisionerd" && mirror ? "-mirror" : ""}.tar`);
}

async function hasDocker(): Promise<boolean> {
  return (await run("docker", ["info"]).catch(() => ({ code: -1 }))).code === 0;
}

/** docker or buildah, as scripts/images/build.sh selects. */
async function findBuilder() {
  if (await hasDocker()) {
    return {
      build: (image: string, args: string[]) => succeed("docker", ["build", "--tag", image, ...args]),
      save: (image: string, file: string) => succeed("docker", ["save", "--output", file, image]),
      push: (image: string) => succeed("docker", ["push", image]),
      tag: (image: string, other: string) => succeed("docker", ["tag", image, other]),
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
    tag: (image: string, other: string) => buildah(["tag", image, other]),
  };
}

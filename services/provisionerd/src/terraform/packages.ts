import { createHash, randomUUID } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import {
  chmod,
  copyFile,
  glob,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { FleetError } from "@fleet/base";
import { type ArchiveRef, packTree, type TreeLimits, unpackTree } from "@fleet/provisionersdk";
import type { DiskCache } from "../cache.js";

/** One provider's unpacked package, named as in a lock file. */
export type ProviderName = {
  /** `registry.terraform.io/hashicorp/aws`. */
  address: string;
  version: string;
  /** `linux_amd64`. */
  platform: string;
  /** The `h1:` hash of its files. */
  hash: string;
};

/**
 * The daemon's provider packages. Each is written once, into a folder that appears when it is complete, and never
 * changed: no program that may run is ever overwritten.
 */
export type ProviderPackages = {
  /**
   * Links the packages that `init` may use into an empty plugin cache, so that it downloads only others. Those that
   * the lock file does not allow are left out: terraform would replace them, through the link.
   */
  seed(pluginCache: string, lock: string): Promise<void>;
  /** Takes over the packages that `init` left in `.terraform/providers`, and leaves links to them there. */
  adopt(folder: string): Promise<ProviderName[]>;
  /** Links the package into `.terraform/providers`. Downloads and verifies it if it is not here. */
  provide(folder: string, name: ProviderName, download: (file: string) => Promise<void>): Promise<void>;
  /** The package as an archive: its name, and a way to write it to a file. */
  archiveOf(name: ProviderName): Promise<ArchiveRef>;
  pack(name: ProviderName, file: string): Promise<ArchiveRef>;
  has(name: ProviderName): Promise<boolean>;
};

/** A provider is a few files; the largest have nearly a gigabyte. */
const LIMITS: TreeLimits = { entries: 1_000, totalBytes: 4 * 1024 ** 3 };
/** host/namespace/type/version/platform, in a plugin cache and in `.terraform/providers`. */
const PACKAGE = "*/*/*/*/*";
const PROVIDERS = ".terraform/providers";

export async function createProviderPackages(root: string, cache: DiskCache): Promise<ProviderPackages> {
  await mkdir(root, { recursive: true, mode: 0o711 });
  const placeOf = (name: ProviderName) => join(root, keyOf(name));
  const filesOf = (name: ProviderName) => join(placeOf(name), "package");
  /** Downloads in progress, by key: jobs that start together share one. */
  const downloads = new Map<string, Promise<void>>();

  async function nameAt(place: string): Promise<ProviderName | undefined> {
    const text = await readFile(join(place, "name.json"), "utf8").catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as ProviderName);
  }

  async function has(name: ProviderName): Promise<boolean> {
    return (await nameAt(placeOf(name))) !== undefined;
  }

  /** Lets `fill` write a package and moves it into its place, unless another job was faster. */
  async function store(name: ProviderName, fill: (files: string) => Promise<void>): Promise<void> {
    const draft = join(root, `.${randomUUID()}`);
    await mkdir(join(draft, "package"), { recursive: true, mode: 0o755 });
    try {
      await fill(join(draft, "package"));
      await seal(join(draft, "package"));
      await chmod(draft, 0o755);
      await writeFile(join(draft, "name.json"), JSON.stringify(name), { mode: 0o644, flush: true });
      await rename(draft, placeOf(name)).catch(async (error) => {
        if (!(await has(name))) throw error;
      });
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
    void cache.evict().catch(() => {});
  }

  async function link(folder: string, name: ProviderName): Promise<void> {
    const path = join(folder, PROVIDERS, name.address, name.version, name.platform);
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await rm(path, { recursive: true, force: true });
    await symlink(filesOf(name), path);
    await cache.used(placeOf(name));
  }

  async function fetchPackage(name: ProviderName, download: (file: string) => Promise<void>): Promise<void> {
    const file = join(root, `.${randomUUID()}.tar.zst`);
    try {
      await download(file);
      await store(name, async (files) => {
        await unpackTree(file, files, { limits: LIMITS, fileMode: 0o644 });
        if ((await packageHash(files)) === name.hash) return;
        throw new FleetError(
          "failed_precondition",
          `The package of ${name.address} ${name.version} does not have the hash in its lock file.`,
        );
      });
    } finally {
      await rm(file, { force: true });
    }
  }

  async function pack(name: ProviderName, file: string): Promise<ArchiveRef> {
    const archive = await packTree(filesOf(name), file, { limits: LIMITS });
    const draft = join(placeOf(name), `.${randomUUID()}`);
    await writeFile(draft, JSON.stringify(archive));
    await rename(draft, join(placeOf(name), "archive.json"));
    return archive;
  }

  return {
    has,

    async seed(pluginCache, lock) {
      const locked = lockedPackages(lock);
      for (const entry of await readdir(root)) {
        const name = entry.startsWith(".") ? undefined : await nameAt(join(root, entry));
        if (!name) continue;
        const rule = locked.get(name.address);
        if (rule && !(rule.version === name.version && rule.hashes.includes(name.hash))) continue;
        const path = join(pluginCache, name.address, name.version, name.platform);
        await mkdir(dirname(path), { recursive: true, mode: 0o755 });
        // Two packages of the same version from different mirrors: either will do if none is locked.
        await symlink(filesOf(name), path).catch(() => {});
        await cache.used(placeOf(name));
      }
    },

    async adopt(folder) {
      const names: ProviderName[] = [];
      const providers = join(folder, PROVIDERS);
      const paths: string[] = [];
      for await (const path of glob(PACKAGE, { cwd: providers })) paths.push(path);
      for (const path of paths.sort()) {
        const real = await realpath(join(providers, path));
        const known = real.startsWith(root + sep) ? await nameAt(dirname(real)) : undefined;
        const name = known ?? { ...partsOf(path), hash: await packageHash(real) };
        if (!known) await store(name, (files) => copyFiles(real, files));
        await link(folder, name);
        names.push(name);
      }
      return names;
    },

    async provide(folder, name, download) {
      requireName(name);
      if (!(await has(name))) {
        const key = keyOf(name);
        let running = downloads.get(key);
        if (!running) {
          running = fetchPackage(name, download).finally(() => downloads.delete(key));
          downloads.set(key, running);
        }
        await running;
      }
      await link(folder, name);
    },

    async archiveOf(name) {
      const known = await readFile(join(placeOf(name), "archive.json"), "utf8").catch(() => undefined);
      if (known) return JSON.parse(known) as ArchiveRef;
      const file = join(root, `.${randomUUID()}.tar.zst`);
      try {
        return await pack(name, file);
      } finally {
        await rm(file, { force: true });
      }
    },

    pack,
  };
}

function keyOf({ address, version, platform, hash }: ProviderName): string {
  return createHash("sha256").update([address, version, platform, hash].join(" ")).digest("hex");
}

function partsOf(path: string): Omit<ProviderName, "hash"> {
  const [host, namespace, type, version, platform] = path.split(sep);
  return { address: `${host}/${namespace}/${type}`, version: version!, platform: platform! };
}

/** A name comes from the server, and becomes a path. */
function requireName({ address, version, platform, hash }: ProviderName): void {
  const isName =
    /^[\w.-]+(:\d+)?\/[\w-]+\/[\w-]+$/.test(address) &&
    !address.includes("..") &&
    /^\d[\w.+-]*$/.test(version) &&
    /^[a-z0-9]+_[a-z0-9]+$/.test(platform) &&
    /^h1:[A-Za-z0-9+/]{43}=$/.test(hash);
  if (!isName) throw new FleetError("invalid_argument", "The version's provider has an invalid name.");
}

/** The providers of a lock file. https://developer.hashicorp.com/terraform/language/files/dependency-lock */
function lockedPackages(lock: string): Map<string, { version: string; hashes: string[] }> {
  const blocks = lock.matchAll(/^provider "([^"]+)" \{\n([\s\S]*?)^\}/gm);
  return new Map(
    [...blocks].map(([, address, body]) => [
      address!,
      {
        version: /^\s*version\s*=\s*"([^"]+)"/m.exec(body!)?.[1] ?? "",
        hashes: [...body!.matchAll(/"(h1:[^"]+)"/g)].map(([, hash]) => hash!),
      },
    ]),
  );
}

/** Files of a package by relative path. Throws for anything but files and folders. */
async function packageFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  async function walk(prefix: string): Promise<void> {
    for (const name of await readdir(join(folder, prefix))) {
      const path = prefix + name;
      const info = await lstat(join(folder, path));
      if (info.isDirectory()) await walk(`${path}/`);
      else if (info.isFile()) files.push(path);
      else throw new FleetError("failed_precondition", `The provider's package contains a link: ${path}.`);
      if (files.length > LIMITS.entries) {
        throw new FleetError("failed_precondition", "The provider's package has too many files.");
      }
    }
  }
  await walk("");
  return files.sort();
}

/** The `h1:` hash of a lock file: of the sorted names and hashes of all files. https://pkg.go.dev/golang.org/x/mod/sumdb/dirhash */
async function packageHash(folder: string): Promise<string> {
  const summary = createHash("sha256");
  for (const path of await packageFiles(folder)) {
    const hash = createHash("sha256");
    await pipeline(createReadStream(join(folder, path)), hash);
    summary.update(`${hash.digest("hex")}  ${path}\n`);
  }
  return `h1:${summary.digest("base64")}`;
}

/** Copies, because the origin may be a mirror, or belong to the user that templates run as. */
async function copyFiles(from: string, to: string): Promise<void> {
  for (const path of await packageFiles(from)) {
    await mkdir(dirname(join(to, path)), { recursive: true, mode: 0o755 });
    const { mode } = await lstat(join(from, path));
    await copyFile(join(from, path), join(to, path), constants.COPYFILE_FICLONE);
    await chmod(join(to, path), mode & 0o100 ? 0o755 : 0o644);
  }
}

/** Takes away write permission and waits until everything is on disk. */
async function seal(folder: string): Promise<void> {
  for (const path of await packageFiles(folder)) {
    const full = join(folder, path);
    const { mode } = await lstat(full);
    await chmod(full, mode & 0o100 ? 0o555 : 0o444);
    await using handle = await open(full, "r");
    await handle.sync();
  }
}

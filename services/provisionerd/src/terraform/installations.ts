import { createHash, randomUUID } from "node:crypto";
import { access, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage, FleetError } from "@fleet/base";
import {
  type ArchiveRef,
  type ArchiveTransfer,
  type InstallationInit,
  packTree,
  type TreeLimits,
  unpackTree,
} from "@fleet/provisionersdk";
import type { DiskCache } from "../cache.js";
import type { ProviderName, ProviderPackages } from "./packages.js";
import { readIfThere, writeInJob } from "./read.js";

export const LOCK_FILE = ".terraform.lock.hcl";

/** What `init` left in a folder: the engine, its modules as an archive, its providers and the lock file. */
export type Installed = {
  engine: string;
  modules: ArchiveRef | undefined;
  providers: (ProviderName & { archive?: ArchiveRef })[];
  lock: string;
};

/**
 * The modules and providers of template versions. An import installs and publishes them; builds on any daemon restore
 * them, without a registry.
 */
export type Installations = {
  /**
   * Takes over what `init` left in the folder, and remembers it on this machine under `key`. Undefined, with the
   * reason, if it cannot be an archive.
   */
  capture(key: string, engine: string, folder: string): Promise<Installed | { problem: string }>;
  /** Uploads what coderd does not have. The result goes with the import, unless coderd refuses it with a sentence. */
  publish(installed: Installed, transfer: ArchiveTransfer): Promise<InstallationInit | { refusal: string }>;
  /** What was captured under this key on this machine. */
  remembered(key: string): Promise<Installed | undefined>;
  /**
   * Recreates `.terraform` and the lock file in a folder that has neither, from this machine's cache and from coderd.
   * Throws a FleetError if something is not to be had; the folder may then be half done.
   */
  restore(installed: Installed, folder: string, transfer: ArchiveTransfer): Promise<void>;
};

/** A version's modules: text, but a module from a repository brings all of it, once for each use. */
const MODULES: TreeLimits = { entries: 50_000, totalBytes: 256 * 1024 * 1024 };
/** History of repositories; it differs for each clone, and terraform does not read it. */
const LEFT_OUT = [".git"];

/** The folder in which `init` installs modules, below the working folder. */
const MODULES_FOLDER = ".terraform/modules";

export type InstallationsOptions = {
  /** Folders of module archives and of what is remembered. */
  modulesRoot: string;
  indexRoot: string;
  packages: ProviderPackages;
  cache: DiskCache;
};

/** Key of what is remembered: the template's content and the engine. */
export function installationKey(sourceSha256: string, engine: string, version: string): string {
  return createHash("sha256").update(`${sourceSha256} ${engine} ${version}`).digest("hex");
}

export async function createInstallations(options: InstallationsOptions): Promise<Installations> {
  const { modulesRoot, indexRoot, packages, cache } = options;
  for (const root of [modulesRoot, indexRoot]) await mkdir(root, { recursive: true, mode: 0o700 });
  const modulesFile = ({ sha256 }: ArchiveRef) => join(modulesRoot, `${sha256}.tar.zst`);
  const draftOf = (root: string) => join(root, `.${randomUUID()}`);

  async function packModules(folder: string): Promise<ArchiveRef | undefined> {
    if (!(await isThere(join(folder, MODULES_FOLDER)))) return undefined;
    const draft = draftOf(modulesRoot);
    try {
      const archive = await packTree(join(folder, MODULES_FOLDER), draft, {
        limits: MODULES,
        leaveOut: LEFT_OUT,
      });
      await rename(draft, modulesFile(archive));
      return archive;
    } finally {
      await rm(draft, { force: true });
    }
  }

  async function bringModules(archive: ArchiveRef, transfer: ArchiveTransfer): Promise<string> {
    requireHash(archive);
    const file = modulesFile(archive);
    if (!(await isThere(file))) {
      const draft = draftOf(modulesRoot);
      try {
        await transfer.download(archive, draft);
        await rename(draft, file);
      } finally {
        await rm(draft, { force: true });
      }
      void cache.evict().catch(() => {});
    }
    await cache.used(file);
    return file;
  }

  async function upload(hash: string, installed: Installed, transfer: ArchiveTransfer): Promise<void> {
    if (installed.modules?.sha256 === hash)
      return transfer.upload(installed.modules, modulesFile(installed.modules));
    const provider = installed.providers.find(({ archive }) => archive?.sha256 === hash)!;
    const draft = draftOf(modulesRoot);
    try {
      await transfer.upload(await packages.pack(provider, draft), draft);
    } finally {
      await rm(draft, { force: true });
    }
  }

  return {
    async capture(key, engine, folder) {
      try {
        const providers = await packages.adopt(folder);
        const lock = await readIfThere(join(folder, LOCK_FILE));
        const modules = await packModules(folder);
        const installed = { engine, modules, providers, lock: Buffer.from(lock ?? []).toString() };
        const draft = draftOf(indexRoot);
        await writeFile(draft, JSON.stringify(installed), { mode: 0o600 });
        await rename(draft, join(indexRoot, key));
        return installed;
      } catch (error) {
        return { problem: errorMessage(error) };
      }
    },

    async publish(installed, transfer) {
      const providers = await Promise.all(
        installed.providers.map(async (name) => ({ ...name, archive: await packages.archiveOf(name) })),
      );
      const whole = { ...installed, providers };
      const archives = [
        ...(whole.modules ? [whole.modules] : []),
        ...providers.map(({ archive }) => archive),
      ];
      if (archives.length > 0) {
        const { missing, refusal } = await transfer.offer(archives);
        if (refusal) return { refusal };
        for (const hash of new Set(missing)) await upload(hash, whole, transfer);
      }
      return toMessage(whole);
    },

    async remembered(key) {
      const path = join(indexRoot, key);
      const text = await readFile(path, "utf8").catch(() => undefined);
      if (text === undefined) return undefined;
      await cache.used(path);
      return JSON.parse(text) as Installed;
    },

    async restore({ modules, providers, lock }, folder, transfer) {
      if (modules) {
        const file = await bringModules(modules, transfer);
        await mkdir(join(folder, MODULES_FOLDER), { recursive: true, mode: 0o755 });
        await unpackTree(file, join(folder, MODULES_FOLDER), { limits: MODULES, fileMode: 0o600 });
      }
      for (const { archive, ...name } of providers) {
        await packages.provide(folder, name, (file) => transfer.download(archive ?? NONE, file));
      }
      await writeInJob(join(folder, LOCK_FILE), lock);
    },
  };
}

/** Stands for an archive that coderd does not have. */
const NONE: ArchiveRef = { sha256: "", size: 0 };

/** The hash comes from the server, and becomes a file's name. */
function requireHash({ sha256 }: ArchiveRef): void {
  if (/^[0-9a-f]{64}$/.test(sha256)) return;
  throw new FleetError("not_found", "An archive of the version has no valid hash.");
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function toMessage({ engine, modules, providers }: Installed): InstallationInit {
  const archiveOf = ({ sha256, size }: ArchiveRef) => ({ sha256, size: BigInt(size) });
  return {
    engine,
    ...(modules && { modules: archiveOf(modules) }),
    providers: providers.map(({ archive, ...name }) => ({ ...name, archive: archiveOf(archive!) })),
  };
}

/** What the version's import published, with its lock file. */
export function fromMessage(message: InstallationInit, lock: Uint8Array): Installed {
  const { engine = "", modules, providers = [] } = message;
  const archiveOf = ({ sha256 = "", size = 0n }: { sha256?: string; size?: bigint }) => ({
    sha256,
    size: Number(size),
  });
  return {
    engine,
    modules: modules && archiveOf(modules),
    providers: providers.map(({ address = "", version = "", platform = "", hash = "", archive }) => ({
      address,
      version,
      platform,
      hash,
      ...(archive && { archive: archiveOf(archive) }),
    })),
    lock: Buffer.from(lock).toString(),
  };
}

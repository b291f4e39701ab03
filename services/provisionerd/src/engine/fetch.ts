import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { type Clock, FleetError } from "@fleet/base";
import { unzipSync } from "fflate";
import { downloadFile, downloadSmall } from "./download.js";
import { ENGINES, type EngineName, titleOf } from "./engine.js";
import { RELEASES, type Release } from "./releases.js";
import { checksumOf, sha256Of, verifySignature } from "./verify.js";
import { createWeb } from "./web.js";

/** A download that was not written to for this long has no writer any more: one is given up after 20 s without a byte. */
const ABANDONED_MS = 60_000;
/** Fetched releases that are kept, the last used ones. */
const KEPT_RELEASES = 3;

export type FetchOptions = {
  name: EngineName;
  /** Folder of fetched engines, which daemons may share. */
  directory: string;
  /** Replaces the scheme and host of the release's server. */
  mirror: string | undefined;
  /** For the proxy's variables. */
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  /** The pinned release, unless a test has its own. */
  release?: Release | undefined;
};

/** Where a fetched engine is, or would be. */
export function fetchedPath(options: Pick<FetchOptions, "name" | "directory" | "release">): string {
  const { name, directory, release = RELEASES[name] } = options;
  return join(directory, name, release.version, ENGINES[name].program);
}

/**
 * Fetches the pinned release, checks its checksum against the list that its maker signed, and puts the program in
 * place in one step. Several daemons may do so at once. Throws `failed_precondition` with the reason.
 */
export async function fetchEngine(options: FetchOptions): Promise<string> {
  const { name, clock, release = RELEASES[options.name] } = options;
  const target = fetchedPath({ ...options, release });
  const folder = dirname(target);
  const archive = release.archive(platform());
  const base = (options.mirror ?? release.server).replace(/\/+$/, "");
  const urlOf = (file: string) => `${base}/${release.pathOf(file)}`;
  const web = createWeb(options.env);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const checksums = await downloadSmall(web, urlOf(release.checksums));
    await verifySignature({
      what: release.checksums,
      content: checksums,
      signature: await downloadSmall(web, urlOf(release.signature)),
      key: release.key,
    });
    const expected = checksumOf(new TextDecoder().decode(checksums), archive);
    if (!expected) {
      const { title } = ENGINES[name];
      throw new FleetError("failed_precondition", `${title} has no release for ${platform()}.`);
    }
    const partial = await claimPartial(folder, archive, clock);
    const download = () => downloadFile({ web, url: urlOf(archive), path: partial, clock });
    const continued = await exists(partial);
    await download();
    if (continued && (await sha256Of(partial)) !== expected) {
      // What was there was of another file.
      await rm(partial);
      await download();
    }
    if ((await sha256Of(partial)) !== expected) {
      await rm(partial, { force: true });
      throw new FleetError(
        "failed_precondition",
        `The checksum of ${archive} is not the one that its maker signed.`,
      );
    }
    await install(partial, ENGINES[name].program, target);
    await rm(partial, { force: true });
    await sweep(dirname(folder));
    return target;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/\.$/, "") : String(cause);
    const what = titleOf({ name, version: release.version });
    throw new FleetError("failed_precondition", `${what} could not be downloaded: ${reason}.`, { cause });
  } finally {
    web.close();
  }
}

/** Marks a fetched engine as in use, which keeps it from being swept. */
export async function touch(path: string, clock: Clock): Promise<void> {
  const now = clock.now();
  await utimes(dirname(path), now, now).catch(() => {});
}

/** As in the names of the releases' archives. */
export function platform(): string {
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  return `${process.platform}_${arch}`;
}

/**
 * A file of this process's own to download into. It is one that another process left behind, if there is one: a rename
 * has one winner.
 */
async function claimPartial(folder: string, archive: string, clock: Clock): Promise<string> {
  const own = join(folder, `${archive}.${hostname()}.${process.pid}.${randomBytes(4).toString("hex")}`);
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith(`${archive}.`)) continue;
    const path = join(folder, entry);
    if (!(await isAbandoned(path, entry.slice(archive.length + 1), clock))) continue;
    const claimed = await rename(path, own).then(
      () => true,
      () => false,
    );
    if (claimed) break;
  }
  return own;
}

async function isAbandoned(path: string, owner: string, clock: Clock): Promise<boolean> {
  const [, host, pid] = /^(.+)\.(\d+)\.[0-9a-f]+$/.exec(owner) ?? [];
  const found = await stat(path).catch(() => undefined);
  if (!found) return false;
  if (clock.now().getTime() - found.mtimeMs > ABANDONED_MS) return true;
  return host === hostname() && Number(pid) !== process.pid && !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

async function install(archive: string, program: string, target: string): Promise<void> {
  const zip = await readFile(archive);
  const binary = unzipSync(zip, { filter: (file) => file.name === program })[program];
  if (!binary) throw new FleetError("failed_precondition", `The archive does not contain ${program}.`);
  const partial = `${target}.${randomBytes(4).toString("hex")}`;
  const file = await open(partial, "w", 0o700);
  try {
    await file.writeFile(binary);
    await file.sync();
  } finally {
    await file.close();
  }
  await chmod(partial, 0o755);
  await rename(partial, target);
}

/** Removes all fetched releases of an engine but the last used ones. */
async function sweep(root: string): Promise<void> {
  const found = await Promise.all(
    (await readdir(root)).map(async (version) => {
      const path = join(root, version);
      return { path, usedMs: (await stat(path).catch(() => undefined))?.mtimeMs ?? 0 };
    }),
  );
  found.sort((a, b) => b.usedMs - a.usedMs);
  for (const { path } of found.slice(KEPT_RELEASES)) await rm(path, { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

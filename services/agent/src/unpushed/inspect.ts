import { statfs } from "node:fs/promises";
import type { UnpushedBranch, UnpushedRepository } from "../uplink/reports.js";
import { filtersOff, type Git } from "./git.js";

/** Branches that are looked at, those with the latest commits first, and that are reported. */
const BRANCHES_INSPECTED = 100;
const BRANCHES_REPORTED = 20;
/** File systems that end with the machine or container: linux/magic.h. */
const EPHEMERAL = new Set([0x794c7630 /* overlayfs */, 0x01021994 /* tmpfs */, 0x858458f6 /* ramfs */]);

/**
 * The repository's unpushed work; undefined if there is none. As far as the repository knows: its remotes are not asked.
 * Throws if git cannot read it, for example because it belongs to another user.
 */
export async function inspect(git: Git, path: string): Promise<UnpushedRepository | undefined> {
  const filters = await filtersOff(git, path);
  if (!filters) throw new Error("git cannot read it.");
  const [changedFiles, stashes, branches] = await Promise.all([
    changesIn(git, path, filters),
    countOf(git, path, ["--walk-reflogs", "refs/stash", "--"]),
    branchesIn(git, path),
  ]);
  if (changedFiles + stashes + branches.length === 0) return undefined;
  return { path, changedFiles, stashes, branches, onEphemeralStorage: await isEphemeral(path) };
}

async function changesIn(git: Git, path: string, filters: readonly string[]): Promise<number> {
  const output = await git(path, [
    ...filters,
    "status",
    "--porcelain",
    "-z",
    "--untracked-files=normal",
    // Their own repositories are found, too.
    "--ignore-submodules=dirty",
    "--no-renames",
  ]);
  if (output) return output.reduce((count, byte) => count + Number(byte === 0), 0);
  // A bare repository has no files.
  if (String((await git(path, ["rev-parse", "--is-bare-repository"])) ?? "").trim() === "true") return 0;
  throw new Error("git cannot read it.");
}

async function branchesIn(git: Git, path: string): Promise<UnpushedBranch[]> {
  const output = await git(path, [
    "for-each-ref",
    "--sort=-committerdate",
    `--count=${BRANCHES_INSPECTED}`,
    "--format=%(refname)%00%(upstream)",
    "refs/heads",
  ]);
  const found: UnpushedBranch[] = [];
  for (const line of String(output ?? "")
    .split("\n")
    .filter(Boolean)) {
    const [ref = "", upstream = ""] = line.split("\0");
    const commits = await countOf(git, path, [ref, "--not", "--remotes", "--"]);
    if (commits > 0)
      found.push({ name: ref.replace("refs/heads/", ""), commits, hasUpstream: upstream !== "" });
    if (found.length >= BRANCHES_REPORTED) return found;
  }
  const detached = await countOf(git, path, ["HEAD", "--not", "--branches", "--remotes", "--tags", "--"]);
  if (detached > 0) found.push({ name: "", commits: detached, hasUpstream: false });
  return found;
}

/** 0 if a name does not exist. */
async function countOf(git: Git, path: string, what: readonly string[]): Promise<number> {
  return Number(String((await git(path, ["rev-list", "--count", ...what])) ?? "")) || 0;
}

async function isEphemeral(path: string): Promise<boolean> {
  const type = await statfs(path).then(
    (stats) => stats.type,
    () => 0,
  );
  return EPHEMERAL.has(type >>> 0);
}

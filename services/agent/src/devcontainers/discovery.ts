import type { Dirent } from "node:fs";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { findRepositories, type SearchScope } from "../repositories.js";
import type { DevcontainerFiles } from "./cli.js";

/** Folders of the agent's directory that are looked into, and how deep. */
const LIMITS = { depth: 3, folders: 2_000, repositories: 2_000 };
const FOUND_LIMIT = 32;
/** Folders that hold other people's projects. */
const SKIPPED = new Set(["node_modules", "vendor", "target", "dist", "build"]);
const SCOPE: SearchScope = { skips: (name) => name.startsWith(".") || SKIPPED.has(name), nested: false };

/**
 * Dev containers of the git repositories in a directory: those with a devcontainer.json at one of the places that
 * containers.dev names.
 */
export async function discover(directory: string, signal: AbortSignal): Promise<DevcontainerFiles[]> {
  const found: DevcontainerFiles[] = [];
  for (const folder of (await findRepositories([directory], LIMITS, SCOPE, signal)).repositories) {
    found.push(...(await configurationsOf(folder)));
    if (found.length >= FOUND_LIMIT) break;
  }
  return found.slice(0, FOUND_LIMIT);
}

async function configurationsOf(folder: string): Promise<DevcontainerFiles[]> {
  const places = [".devcontainer.json", join(".devcontainer", "devcontainer.json")];
  for (const entry of await entriesOf(join(folder, ".devcontainer")))
    if (entry.isDirectory()) places.push(join(".devcontainer", entry.name, "devcontainer.json"));
  const paths = places.map((place) => join(folder, place));
  const exist = await Promise.all(
    paths.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return paths
    .filter((_path, index) => exist[index])
    .map((configPath) => ({ workspaceFolder: folder, configPath }));
}

/** None of a folder that cannot be read. */
function entriesOf(folder: string): Promise<Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch(() => []);
}

import type { Dirent } from "node:fs";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { DevcontainerFiles } from "./cli.js";

/** Folders below the agent's directory that are looked into, and how deep. */
const FOLDER_LIMIT = 2_000;
const DEPTH_LIMIT = 3;
const FOUND_LIMIT = 32;
/** Not looked into: they hold other people's projects. */
const SKIPPED = new Set(["node_modules", "vendor", "target", "dist", "build"]);

/**
 * Dev containers of the git repositories in a directory: those with a devcontainer.json at one of the places that
 * containers.dev names.
 */
export async function discover(directory: string): Promise<DevcontainerFiles[]> {
  const found: DevcontainerFiles[] = [];
  let waiting = [{ folder: directory, depth: 0 }];
  for (let seen = 0; waiting.length > 0 && seen < FOLDER_LIMIT && found.length < FOUND_LIMIT; seen++) {
    const { folder, depth } = waiting.shift()!;
    const entries = await entriesOf(folder);
    if (entries.some(({ name }) => name === ".git")) {
      found.push(...(await configurationsOf(folder, entries)));
      continue;
    }
    if (depth === DEPTH_LIMIT) continue;
    const deeper = entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && !SKIPPED.has(entry.name))
      .map(({ name }) => ({ folder: join(folder, name), depth: depth + 1 }));
    waiting = [...waiting, ...deeper].slice(0, FOLDER_LIMIT);
  }
  return found.slice(0, FOUND_LIMIT);
}

async function configurationsOf(folder: string, entries: readonly Dirent[]): Promise<DevcontainerFiles[]> {
  const places = [".devcontainer.json"];
  if (entries.some(({ name }) => name === ".devcontainer")) {
    places.push(join(".devcontainer", "devcontainer.json"));
    for (const entry of await entriesOf(join(folder, ".devcontainer")))
      if (entry.isDirectory()) places.push(join(".devcontainer", entry.name, "devcontainer.json"));
  }
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

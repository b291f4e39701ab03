import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import sea from "node:sea";
import { FleetError } from "@fleet/base";
import { folderOf, ownProgram } from "@fleet/base/own-program";

const FOLDER = "templates";

/** A starter template. */
export type Starter = {
  id: string;
  name: string;
  description: string;
  /** Its files, by path relative to its folder. */
  files: ReadonlyMap<string, Buffer>;
};

/** Reads the starter templates shipped with this program: inside the single executable, or beside the bundle. */
export async function readStarters(): Promise<Starter[]> {
  const beside = join(folderOf(ownProgram()), FOLDER);
  const files = sea.isSea() ? filesInside() : await filesBelow(beside);
  if (files.size === 0) {
    throw new FleetError(
      "failed_precondition",
      "This executable does not include the starter templates. Create a template in the dashboard, then download it with: coder templates pull <name>",
    );
  }
  return startersOf(files);
}

/** Groups files whose paths begin with a starter's ID; name and description come from its README. */
export function startersOf(files: ReadonlyMap<string, Buffer>): Starter[] {
  const byId = Map.groupBy(files, ([path]) => path.split("/", 1)[0]!);
  return [...byId].map(([id, entries]) => {
    const own = new Map(entries.map(([path, content]) => [path.slice(id.length + 1), content]));
    const readme = own.get("README.md")?.toString() ?? "";
    const field = (key: string) => new RegExp(`^${key}:\\s*(.+)$`, "m").exec(readme)?.[1]?.trim();
    return { id, name: field("display_name") ?? id, description: field("description") ?? "", files: own };
  });
}

/** Writes the files to the folder, which is created if needed. */
export async function writeStarter(starter: Starter, folder: string): Promise<void> {
  for (const [path, content] of starter.files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
}

function filesInside(): Map<string, Buffer> {
  const keys = (JSON.parse(sea.getAsset("contents", "utf8")) as string[]).filter((key) =>
    key.startsWith(`${FOLDER}/`),
  );
  return new Map(keys.map((key) => [key.slice(FOLDER.length + 1), Buffer.from(sea.getRawAsset(key))]));
}

/** All files in the folder, by path; empty if it does not exist. */
export async function filesBelow(root: string): Promise<Map<string, Buffer>> {
  if (!existsSync(root)) return new Map();
  const entries = await readdir(root, { withFileTypes: true, recursive: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(
      paths.map(async (path) => [relative(root, path).replaceAll("\\", "/"), await readFile(path)] as const),
    ),
  );
}

import { readdir, readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { FleetError } from "@fleet/base";
import { literalOf } from "../hcl/literal.js";
import { attributeOf, type HclBlock, parseHcl } from "../hcl/parse.js";

/** Maximum calls of modules, and how deep they are nested. */
const MAX_CALLS = 1_000;
const MAX_DEPTH = 30;

/** A file of a module, by its path in the template's folder. */
export type SourceFile = { path: string; text: string; blocks: readonly HclBlock[] };

/** A module as terraform's manifest lists it. `Dir` is relative to the template's folder, `.` for its root. */
export type ManifestEntry = { Key: string; Source: string; Version?: string; Dir: string };

export type ModuleTree = {
  /** The files of each module's directory that is called, by directory; the root's is `.`. */
  directories: ReadonlyMap<string, readonly SourceFile[]>;
  /** The directories that a call in a directory leads to: several if its caller is installed several times. */
  targets(directory: string, call: string): readonly string[];
  /** The calls in that order: a caller before its modules. */
  calls: readonly (ManifestEntry & { caller: string; name: string })[];
  /** Calls of modules that are not installed, `module.a.module.b`. */
  missing: readonly string[];
};

const MANIFEST = ".terraform/modules/modules.json";

/**
 * Reads the modules that a template's configuration consists of: those in its own folder, and those that `init` has
 * installed in it. Throws `invalid_argument` with file and line for what is not HCL, `failed_precondition` for files in JSON.
 */
export async function readModuleTree(folder: string): Promise<ModuleTree> {
  const installed = await readManifest(folder);
  const directories = new Map<string, readonly SourceFile[]>();
  const targets = new Map<string, Set<string>>();
  const calls: ModuleTree["calls"][number][] = [];
  const missing: string[] = [];

  async function filesOf(directory: string): Promise<readonly SourceFile[]> {
    const known = directories.get(directory);
    if (known) return known;
    const files = await readFiles(folder, directory);
    directories.set(directory, files);
    return files;
  }

  function locate(key: string, caller: string, source: string | undefined): ManifestEntry | undefined {
    const entry = installed?.find(({ Key }) => Key === key);
    if (entry) return entry;
    if (source === undefined || !/^\.\.?\//.test(source)) return undefined;
    const directory = posix.normalize(posix.join(caller, source)).replace(/\/$/, "") || ".";
    return directory.startsWith("..") ? undefined : { Key: key, Source: source, Dir: directory };
  }

  async function visit(directory: string, prefix: readonly string[]): Promise<void> {
    const names = new Map<string, string | undefined>();
    for (const { blocks } of await filesOf(directory)) {
      for (const block of blocks) {
        const [name] = block.labels;
        if (block.type === "module" && name !== undefined)
          names.set(name, sourceOf(block) ?? names.get(name));
      }
    }
    for (const [name, source] of names) {
      const path = [...prefix, name];
      const entry = locate(path.join("."), directory, source);
      if (!entry) {
        missing.push(path.map((part) => `module.${part}`).join("."));
        continue;
      }
      if (calls.length >= MAX_CALLS || path.length > MAX_DEPTH)
        throw new FleetError(
          "invalid_argument",
          "The template uses too many modules, or nests them too deeply.",
        );
      calls.push({ ...entry, caller: directory, name });
      const key = `${directory} ${name}`;
      targets.set(key, (targets.get(key) ?? new Set()).add(entry.Dir));
      await visit(entry.Dir, path);
    }
  }

  await visit(".", []);
  return {
    directories,
    targets: (directory, call) => [...(targets.get(`${directory} ${call}`) ?? [])],
    calls,
    missing,
  };
}

function sourceOf({ body }: HclBlock): string | undefined {
  const source = attributeOf(body, "source");
  const literal = source && literalOf(source.tokens);
  return typeof literal === "string" ? literal : undefined;
}

async function readFiles(folder: string, directory: string): Promise<SourceFile[]> {
  const names = await readdir(join(folder, directory)).catch(() => [] as string[]);
  const files: SourceFile[] = [];
  for (const name of names.sort()) {
    const path = posix.join(directory, name);
    if (/\.(tf|tofu)\.json$/.test(name))
      throw new FleetError("failed_precondition", `${path}: configuration in JSON syntax is not evaluated.`);
    if (!/\.(tf|tofu)$/.test(name)) continue;
    const text = await readFile(join(folder, path), "utf8");
    files.push({ path, text, blocks: parseHcl(text, path).blocks });
  }
  return files;
}

async function readManifest(folder: string): Promise<ManifestEntry[] | undefined> {
  const text = await readFile(join(folder, MANIFEST), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const { Modules: modules } = JSON.parse(text) as { Modules?: ManifestEntry[] };
  return (modules ?? []).filter(({ Dir }) => !posix.normalize(Dir).startsWith("..") && !Dir.startsWith("/"));
}

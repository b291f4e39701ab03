import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import type { HclAttribute, HclBlock } from "../hcl/parse.js";
import { CALL_ARGUMENTS, type Closure, closureOf, expressionsOf, isDropped, keyOf } from "./closure.js";
import { type ManifestEntry, type ModuleTree, readModuleTree, type SourceFile } from "./modules.js";
import { usesOf } from "./references.js";

/** A configuration of only what decides about parameters, presets and workspace tags. */
export type Reduction = {
  /** True if these can differ between builds of the version; false if they are always as its import found them. */
  dynamic: boolean;
  /** The files to replace or add, by path. */
  files: ReadonlyMap<string, string>;
  /** Calls of modules that are not installed; what they give is unknown. */
  missing: readonly string[];
};

/** The name of whatever stands for removed parts, and of the file that declares it. */
export const UNKNOWN_NAME = "coder_not_evaluated";
const FILE = "coder_evaluation.tf";
const MANIFEST = ".terraform/modules/modules.json";

/** Every name that a module of any age gives the provider leads to coder/coder. */
const REQUIRES_CODER = `terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
`;
/** A value of any type that terraform does not know before an apply, which never comes. */
const DECLARES_UNKNOWN = `resource "terraform_data" "${UNKNOWN_NAME}" {}
locals {
  ${UNKNOWN_NAME} = jsondecode(terraform_data.${UNKNOWN_NAME}.id)
}
`;

/**
 * Reduces the configuration in a folder, into which the template and its installed modules are unpacked. Resources,
 * provisioners, backends and all providers but coder's are removed; where something kept refers to them, its value is
 * unknown. What is kept stays on its line. Throws `invalid_argument` with file and line, or `failed_precondition`.
 */
export async function reduceConfiguration(folder: string): Promise<Reduction> {
  const tree = await readModuleTree(folder);
  const closure = closureOf(tree);
  const files = new Map<string, string>();
  for (const directory of closure.directories) {
    let unknown = false;
    for (const file of tree.directories.get(directory) ?? []) {
      const edits = editsOf(directory, file, closure);
      unknown ||= edits.some(({ text }) => text !== "");
      files.set(file.path, apply(file.text, edits));
    }
    files.set(posix.join(directory, FILE), `${REQUIRES_CODER}${unknown ? DECLARES_UNKNOWN : ""}`);
  }
  files.set(MANIFEST, JSON.stringify({ Modules: manifestOf(tree, closure) }));
  return { dynamic: closure.dynamic, files, missing: tree.missing };
}

/** Writes a reduction into the folder that it was made of. */
export async function writeReduction(folder: string, { files }: Reduction): Promise<void> {
  for (const [path, text] of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    // The file may be a link to one that is shared.
    await rm(target, { force: true });
    await writeFile(target, text, { mode: 0o600 });
  }
}

function manifestOf(tree: ModuleTree, closure: Closure): ManifestEntry[] {
  const entries: ManifestEntry[] = [{ Key: "", Source: "", Dir: "." }];
  for (const { Key, Source, Version, Dir, caller, name } of tree.calls) {
    if (!closure.directories.has(caller) || !closure.keeps(caller, `module.${name}`)) continue;
    entries.push({ Key, Source, ...(Version !== undefined && { Version }), Dir });
  }
  return entries;
}

/** A span to replace; blank text keeps the line breaks of what it replaces. */
type Edit = { start: number; end: number; text: string };

function editsOf(directory: string, { blocks }: SourceFile, closure: Closure): Edit[] {
  return blocks.flatMap((block) => {
    if (!keepsBlock(directory, block, closure)) return [blank(block)];
    return block.type === "locals" || block.type === "module"
      ? block.body.attributes.flatMap((attribute) =>
          keepsAttribute(directory, block, attribute, closure)
            ? replacements(directory, attribute, closure)
            : [blank(attribute)],
        )
      : expressionsOf(block.body).flatMap((attribute) =>
          isDropped(attribute.name, block) ? [blank(attribute)] : replacements(directory, attribute, closure),
        );
  });
}

function keepsBlock(directory: string, block: HclBlock, closure: Closure): boolean {
  if (block.type === "locals")
    return block.body.attributes.some(({ name }) => closure.keeps(directory, `local.${name}`));
  const hasAlias = block.type === "provider" && block.body.attributes.some(({ name }) => name === "alias");
  return !hasAlias && closure.keeps(directory, keyOf(block));
}

function keepsAttribute(
  directory: string,
  { type, labels }: HclBlock,
  { name }: HclAttribute,
  closure: Closure,
): boolean {
  if (type === "locals") return closure.keeps(directory, `local.${name}`);
  return CALL_ARGUMENTS.has(name) || closure.passes(directory, labels[0]!, name);
}

/** What an expression uses of removed parts, replaced by the unknown value. */
function replacements(directory: string, { tokens }: HclAttribute, closure: Closure): Edit[] {
  const { references, providerCalls } = usesOf(tokens);
  return [
    ...references
      .filter((reference) => closure.removes(directory, reference))
      .map(({ start, end }) => ({ start, end, text: `local.${UNKNOWN_NAME}` })),
    // `try(unknown, …)` is unknown, whatever the arguments of the other provider's function were.
    ...providerCalls
      .filter(({ provider }) => provider !== "coder" && provider !== "terraform")
      .map(({ start, end }) => ({ start, end, text: `try(local.${UNKNOWN_NAME}, ` })),
  ];
}

function blank({ start, end }: { start: number; end: number }): Edit {
  return { start, end, text: "" };
}

function apply(source: string, edits: readonly Edit[]): string {
  let result = source;
  for (const { start, end, text } of edits.toSorted((a, b) => b.start - a.start)) {
    const old = source.slice(start, end);
    result = result.slice(0, start) + (text || old.replace(/[^\n]/g, " ")) + result.slice(end);
  }
  return result;
}

import type { HclAttribute, HclBlock, HclBody } from "../hcl/parse.js";
import type { ModuleTree, SourceFile } from "./modules.js";
import { type Reference, usesOf } from "./references.js";

/** Data sources that decide what a user is asked and where a workspace is built. */
const ROOTS: ReadonlySet<string> = new Set([
  "coder_parameter",
  "coder_workspace_preset",
  "coder_workspace_tags",
]);
/** Data sources that the provider answers without anybody else. */
const ANSWERED: ReadonlySet<string> = new Set([
  ...ROOTS,
  "coder_workspace",
  "coder_workspace_owner",
  "coder_provisioner",
  "coder_external_auth",
  "coder_secret",
  "coder_task",
]);
/** Members of data sources that are the same for every start of a workspace. */
const FIXED: Readonly<Record<string, readonly string[]>> = {
  coder_parameter: ["name"],
  coder_workspace: ["start_count", "transition", "access_url", "access_port"],
};
/** Arguments of a module block that are not the module's variables. */
export const CALL_ARGUMENTS: ReadonlySet<string> = new Set(["source", "version", "count", "for_each"]);

/** Something that a module declares: a block, or one value of its `locals`. */
export type Declared = { key: string; file: SourceFile; block: HclBlock; attribute?: HclAttribute };

export type Closure = {
  /** True if what is asked depends on parameter values, the owner or the workspace. */
  dynamic: boolean;
  /** Directories of the modules that take part. */
  directories: ReadonlySet<string>;
  keeps(directory: string, key: string): boolean;
  /** Whether a module's argument is used there. */
  passes(directory: string, call: string, argument: string): boolean;
  /** Whether a reference is to something that is not part of an evaluation. */
  removes(directory: string, reference: Reference): boolean;
};

/** The keys that blocks of a configuration are declared under. */
export function keyOf({ type, labels }: HclBlock): string {
  if (type === "variable") return `var.${labels[0]}`;
  if (type === "output" || type === "module" || type === "provider") return `${type}.${labels[0]}`;
  if (type === "data") return `data.${labels[0]}.${labels[1]}`;
  return `${type} ${labels.join(".")}`;
}

/** All expressions of a body, those in nested blocks included. */
export function expressionsOf({ attributes, blocks }: HclBody): HclAttribute[] {
  return [...attributes, ...blocks.flatMap(({ body }) => expressionsOf(body))];
}

/** Arguments that terraform's own graph uses, and an evaluation does not. */
export function isDropped(name: string, { type }: HclBlock): boolean {
  return (
    name === "depends_on" ||
    (name === "providers" && type === "module") ||
    (name === "provider" && type === "data")
  );
}

/**
 * Finds what parameters, presets and tags depend on, through locals, variables, modules and outputs: all that an
 * evaluation needs.
 */
export function closureOf(tree: ModuleTree): Closure {
  const declared = new Map<string, Map<string, Declared[]>>();
  for (const [directory, files] of tree.directories) declared.set(directory, declarationsIn(files));
  const kept = new Set<string>();
  const passed = new Set<string>();
  const directories = new Set<string>();
  const waiting: { directory: string; expressions: readonly HclAttribute[] }[] = [];
  const withRoots = new Map<string, boolean>();
  let dynamic = false;

  const declarations = (directory: string, key: string) => declared.get(directory)?.get(key) ?? [];

  function hasRoots(directory: string): boolean {
    const known = withRoots.get(directory);
    if (known !== undefined) return known;
    withRoots.set(directory, false);
    const keys = [...(declared.get(directory)?.keys() ?? [])];
    const found =
      keys.some(isRoot) ||
      keys.some((key) => key.startsWith("module.") && tree.targets(directory, key.slice(7)).some(hasRoots));
    withRoots.set(directory, found);
    return found;
  }

  function enter(directory: string): void {
    if (directories.has(directory)) return;
    directories.add(directory);
    if (directory === ".") keep(directory, "provider.coder");
    for (const key of declared.get(directory)?.keys() ?? []) {
      if (isRoot(key)) keep(directory, key);
      if (key.startsWith("module.") && tree.targets(directory, key.slice(7)).some(hasRoots))
        keepCall(directory, key.slice(7));
    }
  }

  function keep(directory: string, key: string): void {
    const mark = `${directory} ${key}`;
    if (kept.has(mark)) return;
    kept.add(mark);
    for (const { block, attribute } of declarations(directory, key)) {
      const expressions = attribute
        ? [attribute]
        : expressionsOf(block.body).filter(({ name }) => !isDropped(name, block));
      waiting.push({ directory, expressions });
    }
    if (!key.startsWith("var.")) return;
    for (const call of tree.calls) {
      if (call.Dir === directory && kept.has(`${call.caller} module.${call.name}`))
        pass(call.caller, call.name, key.slice(4));
    }
  }

  function keepCall(directory: string, name: string): void {
    const mark = `${directory} module.${name}`;
    if (kept.has(mark)) return;
    kept.add(mark);
    for (const { block } of declarations(directory, `module.${name}`)) {
      const expressions = block.body.attributes.filter((attribute) => CALL_ARGUMENTS.has(attribute.name));
      waiting.push({ directory, expressions });
    }
    for (const target of tree.targets(directory, name)) {
      enter(target);
      for (const variable of declared.get(target)!.keys())
        if (variable.startsWith("var.") && kept.has(`${target} ${variable}`))
          pass(directory, name, variable.slice(4));
    }
  }

  function pass(directory: string, call: string, argument: string): void {
    const mark = `${directory} ${call} ${argument}`;
    if (passed.has(mark)) return;
    passed.add(mark);
    for (const { block } of declarations(directory, `module.${call}`)) {
      const expressions = block.body.attributes.filter(({ name }) => name === argument);
      waiting.push({ directory, expressions });
    }
  }

  function follow(directory: string, { words }: Reference): void {
    const [root, name, third, fourth] = words;
    if (root === "var" || root === "local") keep(directory, `${root}.${name}`);
    else if (root === "module") {
      const targets = tree.targets(directory, name!);
      if (targets.length > 0) keepCall(directory, name!);
      for (const target of targets) {
        for (const key of declared.get(target)!.keys())
          if (key.startsWith("output.") && (third === undefined || key === `output.${third}`))
            keep(target, key);
      }
    } else if (root === "data" && ANSWERED.has(name!)) {
      keep(directory, `data.${name}.${third}`);
      if (name !== "coder_provisioner" && !FIXED[name!]?.includes(fourth ?? "")) dynamic = true;
    }
  }

  enter(".");
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    for (const { tokens } of next.expressions) {
      for (const reference of usesOf(tokens).references) follow(next.directory, reference);
    }
  }
  return {
    dynamic,
    directories,
    keeps: (directory, key) => kept.has(`${directory} ${key}`),
    passes: (directory, call, argument) => passed.has(`${directory} ${call} ${argument}`),
    removes(directory, { words: [root, name, third] }) {
      const declares = (key: string) => declarations(directory, key).length > 0;
      if (root === "data") return !ANSWERED.has(name!) && declares(`data.${name}.${third}`);
      if (root === "ephemeral") return declares(`ephemeral ${name}.${third}`);
      if (root === "module") return declares(`module.${name}`) && tree.targets(directory, name!).length === 0;
      return declares(`resource ${root}.${name}`);
    },
  };
}

function isRoot(key: string): boolean {
  return key.startsWith("data.") && ROOTS.has(key.split(".")[1]!);
}

function declarationsIn(files: readonly SourceFile[]): Map<string, Declared[]> {
  const declared = new Map<string, Declared[]>();
  const add = (one: Declared) => declared.set(one.key, [...(declared.get(one.key) ?? []), one]);
  for (const file of files) {
    for (const block of file.blocks) {
      if (block.type !== "locals") add({ key: keyOf(block), file, block });
      else
        for (const attribute of block.body.attributes)
          add({ key: `local.${attribute.name}`, file, block, attribute });
    }
  }
  return declared;
}

import type { ArchiveEntry } from "@fleet/provisionersdk";
import {
  attributeOf,
  type HclAttribute,
  type HclBlock,
  type HclBody,
  parseHcl,
} from "@fleet/provisionersdk/hcl";

/** A folder of `.tf` files, which Terraform reads as one module. */
export type Module = {
  /** Relative to the template's root; empty for the root module. */
  folder: string;
  blocks: readonly Located[];
  /** True if a `.terraform.lock.hcl` pins the providers. */
  locked: boolean;
};

/** A block at the top of a file. */
export type Located = { file: string; block: HclBlock };

export type SourceFile = { path: string; folder: string; text: string };

/** The template's `.tf` files. Folders that Terraform creates are not the template's. */
export function sourceFiles(entries: readonly ArchiveEntry[]): SourceFile[] {
  return entries
    .filter(
      ({ path, type }) =>
        type !== "directory" && /\.(tf|tofu)$/.test(path) && !/(^|\/)\.terraform\//.test(path),
    )
    .map(({ path, bytes }) => ({
      path,
      folder: path.slice(0, Math.max(0, path.lastIndexOf("/"))),
      text: new TextDecoder().decode(bytes),
    }));
}

/** Throws `invalid_argument` with file and line for a file that is not valid HCL. */
export function blocksOf({ path, text }: SourceFile): Located[] {
  return parseHcl(text, path).blocks.map((block) => ({ file: path, block }));
}

/** Resources or data sources of a type, by block type: `declared(module, "data", "coder_parameter")`. */
export function declared({ blocks }: Module, kind: "resource" | "data", type: string): Located[] {
  return blocks.filter(({ block }) => block.type === kind && block.labels[0] === type);
}

/** All attributes of a body, those of nested blocks included. */
export function* attributesOf(body: HclBody): Generator<HclAttribute> {
  yield* body.attributes;
  for (const block of body.blocks) yield* attributesOf(block.body);
}

/**
 * Whether an expression of the body matches, directly or through the module's locals.
 * Locals that refer to each other are followed once each.
 */
export function mentions(module: Module, body: HclBody, pattern: RegExp): boolean {
  const seen = new Set<string>();
  const texts = [...attributesOf(body)].map(({ text }) => text);
  for (const text of texts) {
    if (pattern.test(text)) return true;
    for (const [, name] of text.matchAll(/\blocal\.([A-Za-z_][\w-]*)/g)) {
      if (seen.has(name!)) continue;
      seen.add(name!);
      texts.push(...localTexts(module, name!));
    }
  }
  return false;
}

function localTexts({ blocks }: Module, name: string): string[] {
  return blocks
    .filter(({ block }) => block.type === "locals")
    .flatMap(({ block }) => attributeOf(block.body, name)?.text ?? []);
}

/** `docker_volume.home`, as in Terraform's own messages. */
export function addressOf({ type, labels }: HclBlock): string {
  return `${type === "data" ? "data." : ""}${labels.join(".")}`;
}

import { FleetError } from "@fleet/base";
import type { ArchiveEntry } from "../archive/entry.js";
import { DYNAMIC, type Literal, literalOf } from "../hcl/literal.js";
import { attributeOf, type HclBlock, type HclBody, parseHcl } from "../hcl/parse.js";
import type { TemplateVariableInit } from "../provisioner.js";

/** What can be read from a template's root module without terraform. */
export type Configuration = {
  /** Blocks of all `.tf` files, each with its file. */
  blocks: { file: string; block: HclBlock }[];
  /** Variables of `.tf.json` files. */
  jsonVariables: TemplateVariableInit[];
  /** True if some files use a syntax of which only variables are read. */
  partial: boolean;
};

/** Reads the root module's files. Throws `invalid_argument` with file and line. */
export function readConfiguration(entries: readonly ArchiveEntry[]): Configuration {
  const configuration: Configuration = { blocks: [], jsonVariables: [], partial: false };
  const files = entries.filter((entry) => entry.type !== "directory" && !entry.path.includes("/"));
  for (const { path, bytes } of files) {
    const text = () => new TextDecoder().decode(bytes);
    if (path.endsWith(".tf")) {
      for (const block of parseHcl(text(), path).blocks) configuration.blocks.push({ file: path, block });
    } else if (path.endsWith(".tf.json")) {
      configuration.jsonVariables.push(...jsonVariables(text(), path));
      configuration.partial = true;
    } else if (/\.tofu(\.json)?$/.test(path)) configuration.partial = true;
  }
  return configuration;
}

/** True if there is anything for terraform to run. */
export function hasConfiguration(entries: readonly ArchiveEntry[]): boolean {
  return entries.some(
    (entry) => entry.type !== "directory" && /^[^/]+\.(tf|tofu)(\.json)?$/.test(entry.path),
  );
}

/** The template's variables, by name. */
export function variablesOf({ blocks, jsonVariables }: Configuration): TemplateVariableInit[] {
  const variables = blocks
    .filter(({ block }) => block.type === "variable" && block.labels.length === 1)
    .map(({ block }) => variableOf(block));
  return [...variables, ...jsonVariables].sort((a, b) => (a.name! < b.name! ? -1 : 1));
}

function variableOf({ labels, body }: HclBlock): TemplateVariableInit {
  const literal = (name: string) => {
    const attribute = attributeOf(body, name);
    return attribute ? literalOf(attribute.tokens) : undefined;
  };
  const description = literal("description");
  const type = attributeOf(body, "type")?.text ?? "";
  const fallback = literal("default");
  return {
    name: labels[0]!,
    description: typeof description === "string" ? description : "",
    // Old templates write type = "string".
    type: type.replace(/^"(.*)"$/, "$1") || typeOf(fallback),
    defaultValue: fallback === undefined || fallback === DYNAMIC ? "" : encode(fallback),
    required: fallback === undefined,
    sensitive: literal("sensitive") === true,
  };
}

function typeOf(value: Literal | typeof DYNAMIC | undefined): string {
  if (typeof value === "number") return "number";
  return typeof value === "boolean" ? "bool" : "string";
}

function encode(value: Literal): string {
  if (value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function jsonVariables(text: string, file: string): TemplateVariableInit[] {
  let parsed: { variable?: Record<string, Record<string, Literal>> };
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new FleetError("invalid_argument", `${file} is not JSON: ${(error as Error).message}`);
  }
  return Object.entries(parsed.variable ?? {}).map(
    ([name, { description, type, default: fallback, sensitive }]) => ({
      name,
      description: typeof description === "string" ? description : "",
      type: typeof type === "string" ? type : typeOf(fallback),
      defaultValue: fallback === undefined ? "" : encode(fallback),
      required: fallback === undefined,
      sensitive: sensitive === true,
    }),
  );
}

/** Blocks of a root module that need no provider other than those checked. */
const PLAIN_BLOCKS = new Set(["variable", "output", "locals", "moved", "removed", "terraform", "provider"]);
const CODER_SOURCE = /^(registry\.terraform\.io\/|registry\.opentofu\.org\/)?coder\/coder$/;

/**
 * True if the configuration can be planned without `terraform init`: no modules, no backend, and no providers except
 * coder's and terraform's built-in one. Anything not understood counts as requiring init.
 */
export function needsNoInit({ blocks, partial }: Configuration): boolean {
  return (
    !partial &&
    blocks.some(({ block }) => declaresCoder(block)) &&
    blocks.every(({ block }) => isSelfContained(block))
  );
}

function isSelfContained(block: HclBlock): boolean {
  switch (block.type) {
    case "resource":
    case "data":
    case "ephemeral":
      return usesHostedProvider(block);
    case "check":
      return block.body.blocks.every((inner) => inner.type !== "data" || usesHostedProvider(inner));
    case "provider":
      return block.labels[0] === "coder" || block.labels[0] === "terraform";
    case "terraform":
      return block.body.blocks.every(
        (inner) => inner.type === "required_providers" && requiresOnlyCoder(inner.body),
      );
    default:
      return PLAIN_BLOCKS.has(block.type);
  }
}

function usesHostedProvider({ labels, body }: HclBlock): boolean {
  const explicit = attributeOf(body, "provider")?.text;
  return /^(coder|terraform)([_.]|$)/.test(explicit ?? labels[0] ?? "");
}

function declaresCoder(block: HclBlock): boolean {
  const required = block.type === "terraform" ? block.body.blocks : [];
  return required.some(
    (inner) => inner.type === "required_providers" && attributeOf(inner.body, "coder") !== undefined,
  );
}

function requiresOnlyCoder({ attributes }: HclBody): boolean {
  return attributes.every(({ name, tokens }) => {
    const requirement = literalOf(tokens);
    if (requirement === DYNAMIC || requirement === null || typeof requirement !== "object") return false;
    return name === "coder" && CODER_SOURCE.test(String((requirement as Record<string, Literal>).source));
  });
}

/** The file and line of a block that stores the state somewhere other than coderd. */
export function foreignBackend({ blocks }: Configuration): string | undefined {
  for (const { file, block } of blocks) {
    const found =
      block.type === "terraform" &&
      block.body.blocks.find((inner) => inner.type === "backend" || inner.type === "cloud");
    if (found) return `${file}:${found.line}`;
  }
  return undefined;
}

/** True unless all modules that the template's files use, in any folder, are in the template's own archive. */
export function usesForeignModules(entries: readonly ArchiveEntry[]): boolean {
  const files = entries.filter((entry) => /\.(tf|tofu)(\.json)?$/.test(entry.path));
  return files.some(({ path, bytes }) => {
    if (!path.endsWith(".tf")) return true;
    const { blocks } = parseHcl(new TextDecoder().decode(bytes), path);
    return blocks.some((block) => block.type === "module" && !isLocal(block));
  });
}

function isLocal({ body }: HclBlock): boolean {
  const source = attributeOf(body, "source");
  const place = source && literalOf(source.tokens);
  return typeof place === "string" && /^\.\.?\//.test(place);
}

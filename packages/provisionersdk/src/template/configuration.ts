import { FleetError } from "@fleet/base";
import type { ArchiveEntry } from "../archive/entry.js";
import { DYNAMIC, type Literal, literalOf } from "../hcl/literal.js";
import { attributeOf, type HclBlock, type HclBody, parseHcl } from "../hcl/parse.js";
import { quoteLine } from "../hcl/quote.js";
import { requiredProviders } from "../hcl/required-providers.js";
import { HclSyntaxError } from "../hcl/tokens.js";
import type { TemplateVariableInit } from "../provisioner.js";

/** What can be read from a template's root module without terraform. */
export type Configuration = {
  /** Blocks of all files in HCL, each with its file. */
  blocks: { file: string; block: HclBlock }[];
  /** Files in JSON, of which only variables and the state's place are read. */
  json: { file: string; content: JsonConfiguration }[];
};

type JsonConfiguration = {
  variable?: Record<string, Record<string, Literal>>;
  terraform?: Record<string, unknown> | Record<string, unknown>[];
};

/** Terraform does not read `.tofu` files; OpenTofu reads them, and instead of the `.tf` file of the same name. */
export type Engine = "terraform" | "opentofu";

/** Reads the root module's files as the engine does. Throws `invalid_argument` with file and line. */
export function readConfiguration(
  entries: readonly ArchiveEntry[],
  engine: Engine = "terraform",
): Configuration {
  const configuration: Configuration = { blocks: [], json: [] };
  for (const { path: file, bytes } of rootFiles(entries, engine)) {
    const text = new TextDecoder().decode(bytes);
    if (file.endsWith(".json")) configuration.json.push({ file, content: jsonConfiguration(text, file) });
    else for (const block of parseQuoting(text, file).blocks) configuration.blocks.push({ file, block });
  }
  return configuration;
}

/** The error has the source line: its reader may not have the file at hand. */
function parseQuoting(text: string, file: string): HclBody {
  try {
    return parseHcl(text, file);
  } catch (error) {
    if (!(error instanceof HclSyntaxError)) throw error;
    const source = text.split("\n")[error.line - 1] ?? "";
    throw new HclSyntaxError(file, error.line, `${error.fault}\n${quoteLine(error.line, source)}`);
  }
}

/** True if there is anything for the engine to run. */
export function hasConfiguration(entries: readonly ArchiveEntry[], engine: Engine = "terraform"): boolean {
  return rootFiles(entries, engine).length > 0;
}

function rootFiles(entries: readonly ArchiveEntry[], engine: Engine): ArchiveEntry[] {
  return moduleFiles(
    entries.filter(({ path }) => !path.includes("/")),
    engine,
  );
}

/** The files that an engine reads, in any folder: those that others override last, as `readConfiguration` needs them. */
function moduleFiles(entries: readonly ArchiveEntry[], engine: Engine): ArchiveEntry[] {
  const paths = new Set(entries.map(({ path }) => path));
  const isRead = ({ path, type }: ArchiveEntry) => {
    if (type === "directory") return false;
    if (/\.tofu(\.json)?$/.test(path)) return engine === "opentofu";
    if (!/\.tf(\.json)?$/.test(path)) return false;
    return engine === "terraform" || !paths.has(path.replace(/\.tf(\.json)?$/, ".tofu$1"));
  };
  const files = entries.filter(isRead);
  const overrides = files.filter(isOverride).sort((a, b) => (a.path < b.path ? -1 : 1));
  return [...files.filter((file) => !isOverride(file)), ...overrides];
}

/** https://developer.hashicorp.com/terraform/language/files/override */
function isOverride({ path }: ArchiveEntry): boolean {
  return /(^|\/|_)override\.(tf|tofu)(\.json)?$/.test(path);
}

/** The template's variables, by name. */
export function variablesOf({ blocks, json }: Configuration): TemplateVariableInit[] {
  const declared = new Map<string, HclBlock>();
  for (const { block } of blocks) {
    const [name, ...more] = block.labels;
    if (block.type !== "variable" || name === undefined || more.length > 0) continue;
    declared.set(name, overridden(declared.get(name), block));
  }
  const variables = [...declared.values()].map(variableOf);
  return [...variables, ...json.flatMap(({ content }) => jsonVariables(content))].sort((a, b) =>
    a.name! < b.name! ? -1 : 1,
  );
}

/** A block with the attributes of an override file's block of the same name. */
function overridden(block: HclBlock | undefined, by: HclBlock): HclBlock {
  if (!block) return by;
  const names = new Set(by.body.attributes.map(({ name }) => name));
  const kept = block.body.attributes.filter(({ name }) => !names.has(name));
  return { ...block, body: { ...block.body, attributes: [...kept, ...by.body.attributes] } };
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

function jsonConfiguration(text: string, file: string): JsonConfiguration {
  try {
    const content: unknown = JSON.parse(text);
    return typeof content === "object" && content !== null ? content : {};
  } catch (error) {
    throw new FleetError("invalid_argument", `${file} is not JSON: ${(error as Error).message}`);
  }
}

function jsonVariables({ variable }: JsonConfiguration): TemplateVariableInit[] {
  return Object.entries(variable ?? {}).map(
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
const PLAIN_BLOCKS = new Set([
  "variable",
  "output",
  "locals",
  "moved",
  "removed",
  "terraform",
  "provider",
  "language",
]);
const CODER_SOURCE = /^(registry\.terraform\.io\/|registry\.opentofu\.org\/)?coder\/coder$/;

/**
 * True if the configuration can be planned without `terraform init`: no modules, no backend, and no providers except
 * coder's and terraform's built-in one. Anything not understood counts as requiring init.
 */
export function needsNoInit({ blocks, json }: Configuration): boolean {
  return (
    json.length === 0 &&
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
  return requiredProviders(block).some(({ name }) => name === "coder");
}

function requiresOnlyCoder({ attributes }: HclBody): boolean {
  return attributes.every(({ name, tokens }) => {
    const requirement = literalOf(tokens);
    if (requirement === DYNAMIC || requirement === null || typeof requirement !== "object") return false;
    return name === "coder" && CODER_SOURCE.test(String((requirement as Record<string, Literal>).source));
  });
}

/** The file and line of a block that stores the state somewhere other than coderd. */
export function foreignBackend(configuration: Configuration): string | undefined {
  return placeOf(configuration, ({ type }) => type === "backend" || type === "cloud");
}

/** The file and line of a block by which OpenTofu would encrypt the state, which coderd then cannot read. */
export function stateEncryption(configuration: Configuration): string | undefined {
  return placeOf(configuration, ({ type, contains }) => type === "encryption" && contains.includes("state"));
}

/** Where a `terraform` block has an inner block that matches. */
function placeOf(
  { blocks, json }: Configuration,
  matches: (inner: { type: string; contains: readonly string[] }) => boolean,
): string | undefined {
  for (const { file, block } of blocks) {
    if (block.type !== "terraform") continue;
    const found = block.body.blocks.find(({ type, body }) =>
      matches({ type, contains: body.blocks.map((each) => each.type) }),
    );
    if (found) return `${file}:${found.line}`;
  }
  const keysOf = (value: unknown) => [value].flat().flatMap((each) => Object.keys(Object(each)));
  const found = json.find(({ content }) =>
    [content.terraform ?? []]
      .flat()
      .some((settings) =>
        Object.entries(Object(settings)).some(([type, value]) => matches({ type, contains: keysOf(value) })),
      ),
  );
  return found?.file;
}

/** True unless all modules that the template's files use, in any folder, are in the template's own archive. */
export function usesForeignModules(entries: readonly ArchiveEntry[], engine: Engine = "terraform"): boolean {
  return moduleFiles(entries, engine).some(({ path, bytes }) => {
    if (path.endsWith(".json")) return true;
    const { blocks } = parseHcl(new TextDecoder().decode(bytes), path);
    return blocks.some((block) => block.type === "module" && !isLocal(block));
  });
}

function isLocal({ body }: HclBlock): boolean {
  const source = attributeOf(body, "source");
  const place = source && literalOf(source.tokens);
  return typeof place === "string" && /^\.\.?\//.test(place);
}

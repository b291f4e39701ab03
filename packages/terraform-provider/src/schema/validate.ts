import { isUnknown, isValues, type Value, type Values } from "../wire/value.js";
import type { Attribute, Block, NestedBlock } from "./block.js";
import { type Diagnostic, type Path, refusal } from "./diagnostic.js";

/** Everything that is wrong with, or deprecated in, a configuration, judged by its schema. Unknown values pass. */
export function validateBlock(block: Block, values: Values, path: Path = []): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const [name, attribute] of Object.entries(block.attributes)) {
    const value = values[name] ?? null;
    if (value === null) continue;
    const at = [...path, name];
    found.push(...conflicts(name, attribute, values, at));
    if (attribute.deprecated) found.push(deprecation(attribute.deprecated, at));
    if (!isUnknown(value)) found.push(...validateAttribute(attribute, value, at));
  }
  for (const [name, nested] of Object.entries(block.blocks ?? {})) {
    const items = values[name];
    if (!Array.isArray(items) || items.length === 0) continue;
    const at = [...path, name];
    found.push(...conflicts(name, nested, values, at));
    if (nested.deprecated) found.push(deprecation(nested.deprecated, at));
    items.forEach((item, index) => {
      if (isValues(item)) found.push(...validateBlock(nested.block, item, pathOfItem(nested, at, index)));
    });
  }
  return found;
}

/** Members of a set have no position that terraform could show: they are told at the set. */
function pathOfItem(nested: NestedBlock, at: Path, index: number): Path {
  return nested.nesting === "list" ? [...at, index] : at;
}

function validateAttribute(attribute: Attribute, value: Value, at: Path): Diagnostic[] {
  if (attribute.type === "number" && !isWhole(value)) {
    return [refusal(`${quoteLast(at)} must be a whole number.`, at)];
  }
  const reason = attribute.check?.(value, at);
  return reason === undefined ? [] : [refusal(reason, at)];
}

/** Fractions that no float64 holds exactly arrive as text. */
function isWhole(value: Value): boolean {
  return typeof value === "bigint" || Number.isInteger(value);
}

function conflicts(name: string, part: Attribute | NestedBlock, values: Values, at: Path): Diagnostic[] {
  return (part.conflictsWith ?? [])
    .filter((other) => isSet(values[other]))
    .map((other) =>
      refusal("Conflicting configuration arguments", at, `"${name}": conflicts with ${other}.`),
    );
}

function isSet(value: Value | undefined): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

export function deprecation(message: string, path: Path = []): Diagnostic {
  const summary = path.length > 0 ? "Argument is deprecated" : "Deprecated Resource";
  return { severity: "warning", summary, detail: message, path };
}

function quoteLast(path: Path): string {
  return `"${path.at(-1)}"`;
}

import { isUnknown, isValues, type Value, type Values } from "../wire/value.js";
import type { Attribute, Block, NestedBlock } from "./block.js";
import { type Diagnostic, formatPath, type Path, refusal } from "./diagnostic.js";

/**
 * All errors and deprecations in a configuration, according to its schema. As with terraform's SDK, an argument or a kind
 * of block that holds anything unknown passes as a whole: terraform validates again when it is known.
 */
export function validateBlock(block: Block, values: Values): Diagnostic[] {
  return validateAt(block, values, [], undefined);
}

/** Members of a set have no position that terraform could show: everything within one is reported at the `set`. */
function validateAt(block: Block, values: Values, path: Path, set: Path | undefined): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const [name, attribute] of Object.entries(block.attributes)) {
    const value = values[name] ?? null;
    if (value === null || !isWhollyKnown(value)) continue;
    const at = [...path, name];
    const shown = set ?? at;
    found.push(...conflicts(name, attribute, values, shown));
    if (attribute.deprecated) found.push(deprecation(attribute.deprecated, shown));
    const reason = faultOf(attribute, value, at);
    if (reason) found.push(refusal(reason, shown));
  }
  for (const [name, nested] of Object.entries(block.blocks ?? {})) {
    const items = values[name];
    if (!Array.isArray(items) || items.length === 0 || !isWhollyKnown(items)) continue;
    const at = [...path, name];
    const shown = set ?? at;
    found.push(...conflicts(name, nested, values, shown));
    if (nested.deprecated) found.push(deprecation(nested.deprecated, shown));
    const within = nested.nesting === "set" ? shown : set;
    for (const [index, item] of items.entries()) {
      if (isValues(item)) found.push(...validateAt(nested.block, item, [...at, index], within));
    }
  }
  return found;
}

function isWhollyKnown(value: Value): boolean {
  if (isUnknown(value)) return false;
  if (Array.isArray(value)) return value.every(isWhollyKnown);
  return !isValues(value) || Object.values(value).every(isWhollyKnown);
}

function faultOf(attribute: Attribute, value: Value, at: Path): string | undefined {
  if (attribute.type === "number" && !isWhole(value)) return `"${formatPath(at)}" must be a whole number.`;
  return attribute.check?.(value, at);
}

/** Fractions that float64 cannot represent exactly arrive as text. */
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

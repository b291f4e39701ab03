import { isValues, type Value } from "../wire/value.js";

/** The first block that duplicates another's known value of this attribute, and its position. */
export function duplicate(
  blocks: Value | undefined,
  attribute: string,
): { value: string; index: number } | undefined {
  if (!Array.isArray(blocks)) return undefined;
  const seen = new Set<string>();
  for (const [index, block] of blocks.entries()) {
    const value = isValues(block) ? block[attribute] : undefined;
    if (typeof value !== "string") continue;
    if (seen.has(value)) return { value, index };
    seen.add(value);
  }
  return undefined;
}

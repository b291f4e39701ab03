import { isValues, type Value, type Values } from "../wire/value.js";
import type { AttributeType } from "./block.js";

/** Values that terraform's older type system cannot tell from null: changing one to the other is no change. */
export function isZero(value: Value): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isValues(value)) return Object.keys(value).length === 0;
  return value === null || value === "" || value === 0 || value === false;
}

/** The older type system has no null in a map, and no empty map. */
export function compactMap(map: Values): Values | null {
  const entries = Object.entries(map).filter(([, value]) => value !== null);
  return entries.length > 0 ? Object.fromEntries(entries) : null;
}

export function zeroOf(type: AttributeType): Value {
  if (type === "string") return "";
  if (type === "number") return 0;
  if (type === "bool") return false;
  return type[0] === "map" || type[0] === "object" ? {} : [];
}

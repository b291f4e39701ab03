import { isValues, type Value, type Values } from "../wire/value.js";
import type { Block } from "./block.js";
import { compactMap, zeroOf } from "./zero.js";

/**
 * How a data source reads its own configuration back. Terraform's older type system cannot tell an empty string from
 * null, and templates may compare with what upstream returns: at the top level an empty string or map reads as null; in
 * a block an omitted value reads as the zero of its type; an omitted nested block is null.
 */
export function readBack(block: Block, config: Values): Values {
  const read: Values = {};
  for (const [name, attribute] of Object.entries(block.attributes)) {
    const value = config[name] ?? attribute.default ?? null;
    read[name] = value === "" ? null : isValues(value) ? compactMap(value) : value;
  }
  for (const [name, nested] of Object.entries(block.blocks ?? {})) {
    const items = config[name];
    read[name] =
      Array.isArray(items) && items.length > 0 ? items.map((item) => readNested(nested.block, item)) : null;
  }
  return read;
}

function readNested(block: Block, item: Value): Value {
  if (!isValues(item)) return item;
  const read: Values = {};
  for (const [name, attribute] of Object.entries(block.attributes)) {
    read[name] = item[name] ?? attribute.default ?? zeroOf(attribute.type);
  }
  for (const [name, nested] of Object.entries(block.blocks ?? {})) {
    const items = item[name];
    read[name] = Array.isArray(items) ? items.map((inner) => readNested(nested.block, inner)) : [];
  }
  return read;
}

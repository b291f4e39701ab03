import { isValues, type Value, type Values } from "../wire/value.js";
import type { Block } from "./block.js";
import { isZero, zeroOf } from "./zero.js";

/**
 * How a data source reads its own configuration back. Terraform's older type system cannot tell null from "", 0 and false
 * there, and templates may compare with what upstream's provider answers: at the top all of them read as null, within a
 * block as the zero of their type; defaults are filled in; a nested block that is left out is null.
 */
export function readBack(block: Block, config: Values): Values {
  const read: Values = {};
  for (const [name, attribute] of Object.entries(block.attributes)) {
    const value = config[name] ?? attribute.default ?? null;
    read[name] = attribute.default === undefined && isZero(value) ? null : value;
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

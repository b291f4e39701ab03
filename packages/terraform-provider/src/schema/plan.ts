import { isUnknown, isValues, UNKNOWN, type Value, type Values } from "../wire/value.js";
import type { Attribute, Block, NestedBlock } from "./block.js";
import type { Path } from "./diagnostic.js";
import { compactMap, isZero, zeroOf } from "./zero.js";

/**
 * The planned state of a configuration: defaults filled in, and computed attributes kept from the prior state or, for a
 * new resource (no prior state), unknown.
 */
export function planBlock(block: Block, config: Values, prior: Values | undefined): Values {
  const planned: Values = {};
  for (const [name, attribute] of Object.entries(block.attributes)) {
    planned[name] = planAttribute(attribute, config[name] ?? null, prior && (prior[name] ?? null));
  }
  for (const [name, nested] of Object.entries(block.blocks ?? {})) {
    planned[name] = planNested(nested, config[name] ?? null, prior && (prior[name] ?? null));
  }
  return planned;
}

function planAttribute(attribute: Attribute, config: Value, prior: Value | undefined): Value {
  const asked = isValues(config) ? compactMap(config) : config;
  if (asked !== null) return prior !== undefined && isZero(asked) && isZero(prior) ? prior : asked;
  if (attribute.default !== undefined) return attribute.default;
  if (attribute.computed) return prior === undefined ? UNKNOWN : prior;
  return prior !== undefined && isZero(prior) ? prior : null;
}

function planNested(nested: NestedBlock, config: Value, prior: Value | undefined): Value {
  if (isUnknown(config)) return config; // a dynamic block over an unknown value
  const items = Array.isArray(config) ? config : [];
  if (items.length === 0 && nested.computed) return prior === undefined ? UNKNOWN : prior;
  const before = Array.isArray(prior) ? prior : [];
  return items.map((item, index) => {
    const earlier = before[index];
    return isValues(item) ? planBlock(nested.block, item, isValues(earlier) ? earlier : undefined) : item;
  });
}

function isUnchanged(prior: Value, planned: Value): boolean {
  if (isUnknown(prior) || isUnknown(planned)) return false;
  if (isZero(prior) && isZero(planned)) return true;
  if (Array.isArray(prior) && Array.isArray(planned)) {
    return (
      prior.length === planned.length && prior.every((item, index) => isUnchanged(item, planned[index]!))
    );
  }
  if (isValues(prior) && isValues(planned)) {
    const names = new Set([...Object.keys(prior), ...Object.keys(planned)]);
    return [...names].every((name) => isUnchanged(prior[name] ?? null, planned[name] ?? null));
  }
  return prior === planned;
}

/**
 * The state after apply: nothing in it is unknown, and in nested blocks nothing is null, because terraform's older type
 * system uses the type's zero value there.
 */
export function settle(block: Block, values: Values, nestedIn = false): Values {
  const settled: Values = { ...values };
  for (const [name, { type }] of Object.entries(block.attributes)) {
    const value = settled[name] ?? null;
    if (isUnknown(value)) settled[name] = null;
    else if (value === null && nestedIn) settled[name] = zeroOf(type);
  }
  for (const [name, nested] of Object.entries(block.blocks ?? {})) {
    const items = settled[name];
    if (isUnknown(items)) settled[name] = [];
    else if (Array.isArray(items)) {
      settled[name] = items.map((item) => (isValues(item) ? settle(nested.block, item, true) : item));
    }
  }
  return settled;
}

/** The parts whose change forces replacement. No resource here is an external object that could be updated. */
export function replacedPaths(block: Block, prior: Values, planned: Values): Path[] {
  const names = [...Object.keys(block.attributes), ...Object.keys(block.blocks ?? {})];
  return names
    .filter((name) => !isUnchanged(prior[name] ?? null, planned[name] ?? null))
    .map((name) => [name]);
}

/** Fits a stored state to the schema: drops what the schema does not have, and sets what the state lacks to null. */
export function conform(block: Block, stored: Values): Values {
  const fitted: Values = {};
  for (const name of Object.keys(block.attributes)) fitted[name] = stored[name] ?? null;
  for (const [name, nested] of Object.entries(block.blocks ?? {})) {
    const items = stored[name];
    fitted[name] = Array.isArray(items)
      ? items.map((item) => (isValues(item) ? conform(nested.block, item) : item))
      : [];
  }
  return fitted;
}

import { ScimError } from "./errors.js";
import type { Filter, Literal, Operator } from "./filter.js";
import { type Attribute, attributeOf, findAttribute, type ResourceType } from "./schema.js";

/** A resource or a part of it, with the attributes' names as the schema writes them. */
export type Values = Record<string, unknown>;
/** Finds the values that an attribute path names, and how they are compared. */
type Lookup = (name: string) => { values: readonly unknown[]; attribute: Attribute } | undefined;

/** Whether the resource fulfills the filter. An attribute that does not exist has no value. @throws ScimError invalidFilter. */
export function fulfills(type: ResourceType, filter: Filter, resource: Values): boolean {
  return holds(filter, (name) => {
    const found = findAttribute(type, name);
    if (found.kind !== "attribute") return undefined;
    const { attribute, sub } = found;
    const values = listOf(resource[attribute.name]);
    if (!sub) return { values, attribute };
    return { values: values.flatMap((value) => listOf((value as Values)[sub.name])), attribute: sub };
  });
}

/** Whether one value of a complex attribute fulfills the filter within brackets. @throws ScimError invalidFilter. */
export function valueFulfills(attribute: Attribute, filter: Filter, value: unknown): boolean {
  return holds(filter, (name) => {
    const sub = attributeOf(attribute.subAttributes ?? [], name);
    return sub && { values: listOf((value as Values)[sub.name]), attribute: sub };
  });
}

function holds(filter: Filter, lookup: Lookup): boolean {
  switch (filter.kind) {
    case "and":
      return filter.parts.every((part) => holds(part, lookup));
    case "or":
      return filter.parts.some((part) => holds(part, lookup));
    case "not":
      return !holds(filter.part, lookup);
    case "present":
      return (lookup(filter.attribute)?.values ?? []).some(isPresent);
    case "value": {
      const found = lookup(filter.attribute);
      return (found?.values ?? []).some((value) => valueFulfills(found!.attribute, filter.filter, value));
    }
    case "compare": {
      const found = lookup(filter.attribute);
      return compare(found?.values ?? [], found?.attribute, filter.operator, filter.value);
    }
  }
}

function isPresent(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.values(value).some(isPresent);
  return value !== undefined && value !== null && value !== "";
}

/** A complex attribute is compared by its `value`. */
function compare(
  values: readonly unknown[],
  attribute: Attribute | undefined,
  operator: Operator,
  literal: Literal,
): boolean {
  if (literal === null) {
    const present = values.some(isPresent);
    return operator === "ne" ? present : operator === "eq" && !present;
  }
  if (attribute?.type === "complex") {
    const inner = attributeOf(attribute.subAttributes ?? [], "value");
    return compare(
      values.flatMap((value) => listOf((value as Values).value)),
      inner,
      operator,
      literal,
    );
  }
  if (attribute?.type === "boolean" && operator !== "eq" && operator !== "ne")
    throw new ScimError(
      "invalidFilter",
      `"${attribute.name}" is true or false and cannot be compared with ${operator}.`,
    );
  // An attribute without a value differs from every value.
  if (operator === "ne") return !values.some((value) => compareOne(value, attribute, "eq", literal));
  return values.some((value) => compareOne(value, attribute, operator, literal));
}

function compareOne(
  value: unknown,
  attribute: Attribute | undefined,
  operator: Operator,
  literal: Literal,
): boolean {
  if (attribute?.type === "boolean") return value === asBoolean(literal);
  if (attribute?.type === "dateTime")
    return inOrder(Date.parse(String(value)), Date.parse(String(literal)), operator);
  if (typeof value !== "string") return false;
  const fold = (text: string) => (attribute?.caseExact ? text : text.toLowerCase());
  return inOrder(fold(value), fold(String(literal)), operator);
}

function inOrder<T extends string | number>(value: T, literal: T, operator: Operator): boolean {
  switch (operator) {
    case "eq":
      return value === literal;
    case "ne":
      return value !== literal;
    case "gt":
      return value > literal;
    case "ge":
      return value >= literal;
    case "lt":
      return value < literal;
    case "le":
      return value <= literal;
    case "co":
      return String(value).includes(String(literal));
    case "sw":
      return String(value).startsWith(String(literal));
    case "ew":
      return String(value).endsWith(String(literal));
  }
}

/** A boolean, which some clients send as text: "True". */
export function asBoolean(value: unknown): boolean | undefined {
  if (typeof value === "boolean") return value;
  const text = typeof value === "string" ? value.trim().toLowerCase() : "";
  return text === "true" ? true : text === "false" ? false : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** Values that an attribute has to have so that the filter can hold: what a query is narrowed to first. */
export function required(
  filter: Filter,
  attributes: readonly string[],
): { attribute: string; value: string } | undefined {
  if (filter.kind === "and") {
    for (const part of filter.parts) {
      const found = required(part, attributes);
      if (found) return found;
    }
  }
  const named = nameAndValue(filter);
  const attribute = attributes.find((name) => name.toLowerCase() === named?.name.toLowerCase());
  return attribute && named ? { attribute, value: named.value } : undefined;
}

/** `name eq "value"`, also written `members[value eq "…"]`. */
function nameAndValue(filter: Filter): { name: string; value: string } | undefined {
  if (filter.kind === "value") {
    const inner = nameAndValue(filter.filter);
    return inner && { name: `${filter.attribute}.${inner.name}`, value: inner.value };
  }
  const isEq = filter.kind === "compare" && filter.operator === "eq" && typeof filter.value === "string";
  return isEq ? { name: filter.attribute, value: filter.value as string } : undefined;
}

import { ScimError } from "./errors.js";
import { asBoolean, type Values } from "./evaluate.js";
import { type Attribute, attributeOf, COMMON, type ResourceType } from "./schema.js";

/** Maximum length of a stored text, in characters. */
const MAX_TEXT = 1_024;
/** Maximum values of a multi-valued attribute other than a group's members. */
const MAX_VALUES = 50;
/** Maximum members in one request. */
export const MAX_MEMBERS = 20_000;

/**
 * What a client may write of a resource, with names as the schema writes them. Names are matched without regard to case;
 * null, unknown and read-only attributes are left out.
 * @throws ScimError invalidValue for a value of the wrong type.
 */
export function writable(type: ResourceType, body: Values): Values {
  const external = COMMON.filter(({ name }) => name === "externalId");
  return objectOf([...type.attributes, ...external], body, `The ${type.name.toLowerCase()}`);
}

/** The value of one attribute, checked and with names as the schema writes them; undefined for null. */
export function checkedValue(attribute: Attribute, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (!attribute.multiValued) return single(attribute, value);
  const items = (Array.isArray(value) ? value : [value]).filter((item) => item !== null);
  const max = attribute.name === "members" ? MAX_MEMBERS : MAX_VALUES;
  if (items.length > max)
    throw new ScimError("tooMany", `"${attribute.name}" may have at most ${max} values in a request.`);
  return items.map((item) => single(attribute, item));
}

function single(attribute: Attribute, value: unknown): unknown {
  const { name, type } = attribute;
  switch (type) {
    case "complex": {
      // A client may send the value alone.
      const inner = typeof value === "string" && attribute.multiValued ? { value } : value;
      if (!isObject(inner)) throw new ScimError("invalidValue", `"${name}" must be an object.`);
      return objectOf(attribute.subAttributes ?? [], inner, `"${name}"`);
    }
    case "boolean":
      return asBoolean(value) ?? refuse(name, "must be true or false");
    default:
      return textOf(name, value);
  }
}

function textOf(name: string, value: unknown): string {
  if (typeof value !== "string") return refuse(name, "must be a string");
  if (value.length > MAX_TEXT) refuse(name, `must be at most ${MAX_TEXT} characters long`);
  if (value.includes("\0") || !value.isWellFormed()) refuse(name, "must not contain the character NUL");
  return value;
}

function objectOf(attributes: readonly Attribute[], body: Values, what: string): Values {
  if (!isObject(body)) throw new ScimError("invalidSyntax", `${what} must be an object.`);
  const values: Values = {};
  for (const [key, value] of Object.entries(body)) {
    const attribute = attributeOf(attributes, key);
    if (!attribute || attribute.mutability === "readOnly") continue;
    const checked = checkedValue(attribute, value);
    if (checked !== undefined) values[attribute.name] = checked;
  }
  return values;
}

function refuse(name: string, rule: string): never {
  throw new ScimError("invalidValue", `"${name}" ${rule}.`);
}

export function isObject(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import { ScimError } from "./errors.js";
import { type Values, valueFulfills } from "./evaluate.js";
import { type Filter, type Path, parsePath } from "./filter.js";
import { type Attribute, attributeOf, findAttribute, type ResourceType } from "./schema.js";
import { checkedValue, isObject } from "./values.js";

export type Operation = { op: "add" | "replace" | "remove"; path?: string; value?: unknown };
/** A multi-valued attribute that is kept elsewhere: receives the operations on it. */
export type Members = {
  add(values: readonly Values[]): void;
  replace(values: readonly Values[]): void;
  /** Removes all, the given ones, or those that a filter finds; `id` if it can only find the one with this id. */
  remove(
    which:
      | "all"
      | { values: readonly Values[] }
      | { id: string | undefined; matching(value: Values): boolean },
  ): void;
};

/** Maximum operations in one PATCH. */
const MAX_OPERATIONS = 1_000;

/**
 * The operations of a PATCH body (RFC 7644 §3.5.2). Names and operators may be written in any case, as Microsoft Entra ID
 * does. @throws ScimError invalidSyntax.
 */
export function operationsOf(body: unknown): Operation[] {
  const list = isObject(body) ? field(body, "Operations") : undefined;
  if (!Array.isArray(list)) throw new ScimError("invalidSyntax", '"Operations" must be a list.');
  if (list.length > MAX_OPERATIONS)
    throw new ScimError("tooMany", `A request may have at most ${MAX_OPERATIONS} operations.`);
  return list.map((operation: unknown) => {
    const op = isObject(operation) ? field(operation, "op") : undefined;
    const name = typeof op === "string" ? op.toLowerCase() : "";
    if (!isObject(operation) || (name !== "add" && name !== "replace" && name !== "remove"))
      throw new ScimError("invalidSyntax", '"op" must be add, replace or remove.');
    const path = field(operation, "path");
    if (path !== undefined && path !== null && typeof path !== "string")
      throw new ScimError("invalidPath", '"path" must be a string.');
    return { op: name, ...(path ? { path } : {}), value: field(operation, "value") };
  });
}

function field(body: Values, name: string): unknown {
  const key = Object.keys(body).find((one) => one.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : body[key];
}

/**
 * Applies the operations to the writable values of a resource, which it changes.
 * @throws ScimError invalidPath, invalidValue, noTarget or mutability.
 */
export function applyPatch(
  type: ResourceType,
  values: Values,
  operations: readonly Operation[],
  members?: Members,
): void {
  for (const operation of operations) applyOne(type, values, operation, members);
}

function applyOne(
  type: ResourceType,
  values: Values,
  { op, path, value }: Operation,
  members: Members | undefined,
): void {
  if (path !== undefined) applyAt(type, values, { op, path, value }, members);
  else if (op === "remove") throw new ScimError("noTarget", 'An operation "remove" needs a path.');
  else applyObject(type, values, op, value, members);
}

/** Applies an operation without a path: its value is an object whose names are paths. */
function applyObject(
  type: ResourceType,
  values: Values,
  op: "add" | "replace",
  value: unknown,
  members: Members | undefined,
): void {
  if (!isObject(value)) throw new ScimError("invalidValue", 'Without a path, "value" must be an object.');
  for (const [name, one] of Object.entries(value)) {
    const found = findAttribute(type, parsePath(name).attribute);
    // The attributes of an extension's schema, which are not stored, or of this one.
    if (found.kind === "resource") {
      if (isObject(one)) applyObject(type, values, op, one, members);
    } else if (found.kind === "attribute" && isWritable(found.sub ?? found.attribute)) {
      // A whole resource may be sent here: what cannot be written is not meant to be.
      applyAt(type, values, { op: one === null ? "remove" : op, path: name, value: one }, members);
    }
  }
}

type Located = { op: Operation["op"]; path: string; value: unknown };

function applyAt(
  type: ResourceType,
  values: Values,
  { op, path, value }: Located,
  members: Members | undefined,
): void {
  const parsed = parsePath(path);
  const found = findAttribute(type, parsed.attribute);
  const missing = () => new ScimError("invalidPath", `There is no attribute "${path.slice(0, 128)}".`);
  if (found.kind === "ignored") return;
  if (found.kind === "unknown" || found.kind === "resource") throw missing();
  const { attribute } = found;
  const sub = parsed.sub === undefined ? found.sub : attributeOf(attribute.subAttributes ?? [], parsed.sub);
  if (parsed.sub !== undefined && !sub) throw missing();
  if (!isWritable(sub ?? attribute))
    throw new ScimError("mutability", `"${path.slice(0, 128)}" cannot be changed.`);
  if (members && attribute.name === "members") changeMembers(members, attribute, op, parsed, sub, value);
  else if (attribute.multiValued) changeList(values, attribute, op, parsed, sub, value);
  else if (parsed.filter) throw new ScimError("invalidPath", `"${attribute.name}" has only one value.`);
  else changeSingle(values, attribute, op, sub, value);
}

function isWritable({ mutability }: Attribute): boolean {
  return mutability !== "readOnly";
}

function changeSingle(
  values: Values,
  attribute: Attribute,
  op: Operation["op"],
  sub: Attribute | undefined,
  value: unknown,
): void {
  const { name } = attribute;
  if (sub) {
    const held = { ...((values[name] as Values | undefined) ?? {}) };
    set(held, sub.name, op === "remove" ? undefined : checkedValue(sub, value));
    set(values, name, Object.keys(held).length > 0 ? held : undefined);
    return;
  }
  const checked = op === "remove" ? undefined : checkedValue(attribute, value);
  const merges = attribute.type === "complex" && checked !== undefined;
  set(values, name, merges ? { ...((values[name] as Values) ?? {}), ...(checked as Values) } : checked);
}

function set(values: Values, name: string, value: unknown): void {
  if (value === undefined) delete values[name];
  else values[name] = value;
}

function changeList(
  values: Values,
  attribute: Attribute,
  op: Operation["op"],
  { filter }: Path,
  sub: Attribute | undefined,
  value: unknown,
): void {
  const held = ((values[attribute.name] as Values[] | undefined) ?? []).map((item) => ({ ...item }));
  const given = () => checkedValue(attribute, value) as Values[] | undefined;
  const matches = (item: Values) => !filter || valueFulfills(attribute, filter, item);
  let changed: Values[];
  if (!filter && !sub) changed = wholeList(held, op, given());
  else if (op === "remove") changed = removeFrom(held.filter(matches), held, sub);
  else {
    const change = sub ? { [sub.name]: checkedValue(sub, value) } : (given()?.[0] ?? {});
    const found = held.filter(matches);
    if (found.length === 0 && op === "replace")
      throw new ScimError("noTarget", `No value of "${attribute.name}" matches the path.`);
    if (found.length === 0) found.push(wantedBy(attribute, filter));
    for (const item of found) Object.assign(item, change);
    // The changed values come last, so that one which becomes the primary one stays it.
    changed = [...held.filter((item) => !found.includes(item)), ...found];
  }
  set(values, attribute.name, changed.length > 0 ? onePrimary(changed) : undefined);
}

/** The list after an operation on the attribute itself. */
function wholeList(held: Values[], op: Operation["op"], given: Values[] | undefined): Values[] {
  const isHeld = (one: Values) => held.some((item) => equals(one, item));
  if (op === "replace") return given ?? [];
  if (op === "add") return [...held, ...(given ?? []).filter((one) => !isHeld(one))];
  return given ? held.filter((item) => !given.some((one) => equals(one, item))) : [];
}

/** The list without these values, or with these values but without one of their parts. */
function removeFrom(found: readonly Values[], held: readonly Values[], sub: Attribute | undefined): Values[] {
  if (!sub) return held.filter((item) => !found.includes(item));
  for (const item of found) delete item[sub.name];
  return held.filter((item) => Object.keys(item).length > 0);
}

/** The value that `[type eq "work"]` describes, to be added if there is none. */
function wantedBy(attribute: Attribute, filter: Path["filter"]): Values {
  if (filter?.kind !== "compare" || filter.operator !== "eq") return {};
  return (checkedValue(attribute, { [filter.attribute]: filter.value }) as Values[])[0]!;
}

/** Of several primary values, the last one is meant (RFC 7643 §2.4). */
function onePrimary(items: Values[]): Values[] {
  const last = items.findLast(({ primary }) => primary === true);
  return items.map((item) => (item.primary === true && item !== last ? { ...item, primary: false } : item));
}

function equals(a: Values, b: Values): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => a[name] === b[name]);
}

function changeMembers(
  members: Members,
  attribute: Attribute,
  op: Operation["op"],
  { filter }: Path,
  sub: Attribute | undefined,
  value: unknown,
): void {
  if (sub || (filter && op !== "remove"))
    throw new ScimError("mutability", "A member cannot be changed, only added and removed.");
  if (filter) {
    members.remove({ id: idIn(filter), matching: (item) => valueFulfills(attribute, filter, item) });
    return;
  }
  const given = checkedValue(attribute, value) as Values[] | undefined;
  if (op === "remove") members.remove(given ? { values: given } : "all");
  else if (op === "add") members.add(given ?? []);
  else members.replace(given ?? []);
}

/** The id of `[value eq "…"]`, which can only find one member. */
function idIn(filter: Filter): string | undefined {
  const isId =
    filter.kind === "compare" && filter.operator === "eq" && filter.attribute.toLowerCase() === "value";
  return isId && typeof filter.value === "string" ? filter.value.toLowerCase() : undefined;
}

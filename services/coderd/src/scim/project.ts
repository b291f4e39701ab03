import { ScimError } from "./errors.js";
import type { Values } from "./evaluate.js";
import { COMMON, findAttribute, type ResourceType } from "./schema.js";

/** Which attributes a response has (RFC 7644 §3.9). */
export type Projection = {
  attributes?: readonly string[] | undefined;
  excluded?: readonly string[] | undefined;
};

type Wanted = Map<string, Set<string> | "all">;

/** Maximum names in a list. */
const MAX_NAMES = 100;

/** The attributes that the response has or does not have. Names that do not exist are ignored. */
function named(type: ResourceType, names: readonly string[]): Wanted {
  if (names.length > MAX_NAMES)
    throw new ScimError("tooMany", `At most ${MAX_NAMES} attributes can be named.`);
  const wanted: Wanted = new Map();
  for (const name of names) {
    const found = findAttribute(type, name.trim());
    if (found.kind === "resource") for (const { name } of type.attributes) wanted.set(name, "all");
    if (found.kind !== "attribute") continue;
    const { attribute, sub } = found;
    const held = wanted.get(attribute.name);
    if (!sub) wanted.set(attribute.name, "all");
    else if (held !== "all") wanted.set(attribute.name, (held ?? new Set()).add(sub.name));
  }
  return wanted;
}

/** Whether the attribute can be left out of what is read for the response. */
export function leavesOut(type: ResourceType, projection: Projection, attribute: string): boolean {
  if (projection.attributes) return !named(type, projection.attributes).has(attribute);
  return projection.excluded ? named(type, projection.excluded).get(attribute) === "all" : false;
}

/** The part of the resource that was asked for. `schemas`, `id` and what is always returned stay. */
export function project(type: ResourceType, resource: Values, projection: Projection): Values {
  const { attributes, excluded } = projection;
  if (!attributes && !excluded) return resource;
  const list = named(type, attributes ?? excluded ?? []);
  const always = ["schemas", ...COMMON.filter((one) => one.returned === "always").map(({ name }) => name)];
  const shown = Object.entries(resource).flatMap(([name, value]): [string, unknown][] => {
    if (always.includes(name)) return [[name, value]];
    const found = list.get(name);
    if (!attributes)
      return found === "all" ? [] : [[name, found ? parts(value, (sub) => !found.has(sub)) : value]];
    if (!found) return [];
    return [[name, found === "all" ? value : parts(value, (sub) => found.has(sub))]];
  });
  return Object.fromEntries(shown);
}

function parts(value: unknown, keep: (sub: string) => boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => parts(item, keep));
  return Object.fromEntries(Object.entries(value as Values).filter(([name]) => keep(name)));
}

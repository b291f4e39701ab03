import { RESOURCE_ACTIONS, type Resource } from "./resources.js";
import type { AllowListEntry } from "./subject.js";

const ANY = "*";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Parses `type:id`, for example `workspace:<uuid>`, `template:*` or `*:*`; undefined if it is neither. */
export function parseAllowListEntry(text: string): AllowListEntry | undefined {
  const [type = "", id = "", ...rest] = text.toLowerCase().split(":");
  if (rest.length > 0 || (type !== ANY && !Object.hasOwn(RESOURCE_ACTIONS, type))) return undefined;
  // An id without its type would name nothing in particular.
  if (id !== ANY && (type === ANY || !UUID.test(id))) return undefined;
  return { type: type as AllowListEntry["type"], id };
}

/** The entry as it is stored. */
export function formatAllowListEntry({ type, id }: AllowListEntry): string {
  return `${type}:${id}`;
}

/** Whether the list limits nothing. */
export function allowsEverything(list: readonly AllowListEntry[] | undefined): boolean {
  return list === undefined || list.some(({ type, id }) => type === ANY && id === ANY);
}

/** The ids of the type's objects that the list names; undefined for any. A dormant workspace is a workspace. */
export function allowedIds(
  list: readonly AllowListEntry[] | undefined,
  type: Resource,
): readonly string[] | undefined {
  if (!list || allowsEverything(list)) return undefined;
  const named = list.filter(
    (entry) => entry.type === type || (entry.type === "workspace" && type === "workspace_dormant"),
  );
  return named.some(({ id }) => id === ANY) ? undefined : named.map(({ id }) => id);
}

/** Whether every object of the wanted list is in the held one. */
export function allowListCovers(
  held: readonly AllowListEntry[] | undefined,
  wanted: readonly AllowListEntry[] | undefined,
): boolean {
  if (allowsEverything(held)) return true;
  if (allowsEverything(wanted)) return false;
  return wanted!.every(({ type, id }) => {
    if (type === ANY) return false;
    const ids = allowedIds(held, type);
    return ids === undefined || (id !== ANY && ids.includes(id));
  });
}

import { FleetError, isUuid } from "@fleet/base";

/** One part of a search: `key:value`. A bare word has the key "". */
export type SearchTerm = { key: string; value: string };

const DAY_MS = 24 * 3_600_000;

/**
 * Splits a search into its terms: space-separated `key:value` pairs, with double quotes around values that contain
 * spaces, and bare words. Keys are case-insensitive. Throws for a key that is not in the list.
 */
export function parseTerms(query: string, keys: readonly string[]): SearchTerm[] {
  return (query.match(/(?:[^\s"]+|"[^"]*")+/g) ?? []).map((part) => {
    const colon = part.indexOf(":");
    const key = colon < 0 ? "" : part.slice(0, colon).toLowerCase();
    if (key === "" || keys.includes(key)) return { key, value: part.slice(colon + 1).replaceAll('"', "") };
    throw badSearch(`"${key}" is not a valid search key. Valid keys: ${keys.join(", ")}.`);
  });
}

export function termUuid({ key, value }: SearchTerm): string {
  if (isUuid(value)) return value;
  throw badSearch(`"${value}" is not a valid ${key}. Use a UUID.`);
}

export function termMember<T extends string>({ key, value }: SearchTerm, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value.toLowerCase());
  if (found) return found;
  throw badSearch(`"${value}" is not a valid ${key}. Valid values: ${allowed.join(", ")}.`);
}

/** A moment. A date without a time stands for its first moment, or for its last one, in UTC. */
export function termTime({ key, value }: SearchTerm, day: "from" | "to"): Date {
  const at = new Date(value);
  if (!/^\d{4}-\d{2}-\d{2}(?:T.*)?$/.test(value) || Number.isNaN(at.getTime()))
    throw badSearch(
      `"${value}" is not a valid ${key}. Use a date such as 2026-01-31 or an RFC 3339 timestamp.`,
    );
  return day === "from" || value.includes("T") ? at : new Date(at.getTime() + DAY_MS - 1);
}

export function badSearch(detail: string): FleetError {
  return new FleetError("invalid_argument", detail, { validations: [{ field: "q", detail }] });
}

import type { Values } from "./instances.js";

// Reads terraform's values: absent, null and unknown ones become the empty value of their kind.

/** Without NUL, the one character that a database's text cannot hold. */
export function text(values: Values, key: string): string {
  const value = values[key];
  return typeof value === "string" ? value.replaceAll("\0", "\uFFFD") : "";
}

export const number = (values: Values, key: string): number =>
  typeof values[key] === "number" ? (values[key] as number) : 0;

/** Clamped to 64 bits. */
export function integer(values: Values, key: string): bigint {
  const value = Math.max(-(2 ** 63), Math.min(number(values, key), 2 ** 63 - 1024));
  return BigInt(Math.trunc(value));
}

export const flag = (values: Values, key: string, fallback = false): boolean =>
  typeof values[key] === "boolean" ? (values[key] as boolean) : fallback;

/** The blocks of a kind: terraform puts even a single one in a list. */
export const blocks = (values: Values | undefined, key: string): Values[] =>
  Array.isArray(values?.[key])
    ? (values[key] as unknown[]).filter(
        (block): block is Values => typeof block === "object" && block !== null,
      )
    : [];

export function strings(values: Values, key: string): Record<string, string> {
  const map = values[key];
  if (typeof map !== "object" || map === null) return {};
  const names = Object.keys(map).filter((name) => typeof (map as Values)[name] === "string");
  return Object.fromEntries(names.map((name) => [name, text(map as Values, name)]));
}

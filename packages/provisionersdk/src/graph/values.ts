import type { Values } from "./instances.js";

// Reads terraform's values: absent, null and unknown ones become the empty value of their kind.

/** Without NUL, the one character that a database's text cannot hold. */
export function text(values: Values, key: string): string {
  const value = values[key];
  return typeof value === "string" ? value.replaceAll("\0", "\uFFFD") : "";
}

/** Clamped to 32 bits, as messages and columns hold it: a template may have any number. */
export function number(values: Values, key: string): number {
  return Math.trunc(Math.max(-INT32_MAX, Math.min(INT32_MAX, given(values, key))));
}

/** Clamped to 64 bits. */
export function integer(values: Values, key: string): bigint {
  return BigInt(Math.trunc(Math.max(-(2 ** 63), Math.min(given(values, key), 2 ** 63 - 1024))));
}

const INT32_MAX = 2 ** 31 - 1;

const given = (values: Values, key: string): number =>
  typeof values[key] === "number" ? (values[key] as number) : 0;

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

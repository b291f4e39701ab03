import type { Values } from "./instances.js";

/** Reads of terraform's values: what is absent, null or not known yet is the empty value of its kind. */
export const text = (values: Values, key: string): string =>
  typeof values[key] === "string" ? (values[key] as string) : "";

export const number = (values: Values, key: string): number =>
  typeof values[key] === "number" ? (values[key] as number) : 0;

export const integer = (values: Values, key: string): bigint => BigInt(Math.trunc(number(values, key)));

export const flag = (values: Values, key: string, fallback = false): boolean =>
  typeof values[key] === "boolean" ? (values[key] as boolean) : fallback;

/** The blocks of a kind: terraform has even a single one in a list. */
export const blocks = (values: Values | undefined, key: string): Values[] =>
  Array.isArray(values?.[key]) ? (values[key] as Values[]) : [];

export function strings(values: Values, key: string): Record<string, string> {
  const map = values[key];
  if (typeof map !== "object" || map === null) return {};
  return Object.fromEntries(Object.entries(map).filter(([, value]) => typeof value === "string"));
}

import { isUuid } from "@fleet/base";
import type { Check } from "../schema/block.js";
import { formatPath } from "../schema/diagnostic.js";

/** One of a closed set of words. */
export function oneOf(...words: readonly string[]): Check {
  return (value, path) =>
    words.includes(String(value))
      ? undefined
      : `"${formatPath(path)}" must be one of ${words.map((word) => `"${word}"`).join(", ")}, not "${value}".`;
}

export function atLeast(minimum: number): Check {
  return (value, path) =>
    Number(value) >= minimum ? undefined : `"${formatPath(path)}" must be at least ${minimum}, not ${value}.`;
}

export function between(minimum: number, maximum: number): Check {
  return (value, path) =>
    Number(value) >= minimum && Number(value) <= maximum
      ? undefined
      : `"${formatPath(path)}" must be between ${minimum} and ${maximum}, not ${value}.`;
}

export const notEmpty: Check = (value, path) =>
  value === "" ? `"${formatPath(path)}" must not be empty.` : undefined;

/** Length in UTF-8 bytes, which is what upstream counts. */
export function atMostLong(maximum: number): Check {
  return (value, path) =>
    Buffer.byteLength(String(value)) <= maximum
      ? undefined
      : `"${formatPath(path)}" must be at most ${maximum} characters long.`;
}

export const uuid: Check = (value, path) =>
  isUuid(String(value)) ? undefined : `"${formatPath(path)}" must be a UUID, not "${value}".`;

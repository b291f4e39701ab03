import { parsePairs } from "../../ui/list-option.js";

/** Parses tags from `key=value` strings. */
export function parseTags(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(parsePairs(texts, "tag", "key=value"));
}

/** `owner= scope=organization` */
export function tagsText(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(" ");
}

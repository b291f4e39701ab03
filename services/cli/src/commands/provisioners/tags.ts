import { FleetError } from "@fleet/base";

/** Tags from `key=value` texts. */
export function parseTags(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(parsePairs(texts, "tag", "key=value"));
}

/** Names and values from `name=value` texts. Throws for another text, which it calls by `what`. */
export function parsePairs(texts: readonly string[], what: string, form = "name=value"): Map<string, string> {
  return new Map(
    texts.map((text) => {
      const cut = text.indexOf("=");
      if (cut < 1)
        throw new FleetError("invalid_argument", `The ${what} "${text}" is not of the form ${form}.`);
      return [text.slice(0, cut), text.slice(cut + 1)];
    }),
  );
}

/** `owner= scope=organization` */
export function tagsText(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(" ");
}

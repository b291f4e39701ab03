import { FleetError } from "@fleet/base";

/** Tags from `key=value` texts. */
export function parseTags(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const cut = text.indexOf("=");
      if (cut < 1)
        throw new FleetError("invalid_argument", `The tag "${text}" is not of the form key=value.`);
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

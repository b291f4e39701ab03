import { FleetError } from "@fleet/base";

/** A field of a CSV record: quoted, with `""` for a quote, or plain. */
const FIELD = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;

/** Fields of a CSV record; undefined if the text is invalid because of a quote in an unquoted field. */
function csvFields(text: string): string[] | undefined {
  const fields: string[] = [];
  FIELD.lastIndex = 0;
  for (;;) {
    const match = FIELD.exec(text);
    if (!match) return undefined;
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] === "") return fields;
  }
}

/**
 * Splits one value of a repeatable option, which upstream parses as a CSV record: `a,b`, or `"a,b",c`. Invalid CSV,
 * such as `p=["a","b"]`, is one item. A field that cannot begin an item belongs to the previous one, so that
 * `zones=a,b` stays whole among `name=value` pairs.
 */
export function splitList(text: string, beginsItem: (field: string) => boolean = () => true): string[] {
  const items: string[] = [];
  for (const field of csvFields(text) ?? [text]) {
    if (items.length === 0 || beginsItem(field)) items.push(field);
    else items.push(`${items.pop()},${field}`);
  }
  return items;
}

/** For commander: collects the values of an option that may be repeated, or given as a list in its variable. */
export function listOf(beginsItem?: (field: string) => boolean) {
  return (value: string, previous: string[] | undefined) => [
    ...(previous ?? []),
    ...splitList(value, beginsItem),
  ];
}

/** True for `name=…`. */
export function isPair(field: string): boolean {
  return /^[^=\s"[\]{}]+=/.test(field);
}

/** Parses `name=value` strings. Throws for other text; `what` names it in the error. */
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

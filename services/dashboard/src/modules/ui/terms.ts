/** A part of a search: `key:value`, or a bare word with the key "". */
export type Term = { key: string; value: string };

/** Splits a search as the server does (coderd's search/terms): double quotes keep spaces together. */
export function parseTerms(query: string): Term[] {
  return (query.match(/(?:[^\s"]+|"[^"]*"?)+/g) ?? []).map((part) => {
    const colon = part.indexOf(":");
    const value = part.slice(colon + 1).replaceAll('"', "");
    return { key: colon < 0 ? "" : part.slice(0, colon).toLowerCase(), value };
  });
}

/** The search of these terms. A quote cannot be escaped, so it is left out of values. */
export function formatTerms(terms: readonly Term[]): string {
  return terms
    .map(({ key, value }) => {
      const plain = value.replaceAll('"', "");
      const quoted = /\s/.test(plain) || (plain === "" && key !== "") ? `"${plain}"` : plain;
      return key ? `${key}:${quoted}` : quoted;
    })
    .join(" ");
}

/**
 * Text that Postgres takes: it refuses NUL and lone surrogates, and what a template prints may hold both.
 * @returns the JSON of the value, to be cast to jsonb.
 */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, part) => {
    if (typeof part === "string") return storable(part);
    return typeof part === "bigint" ? part.toString() : part;
  });
}

export function storable(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}

/**
 * Makes text acceptable to Postgres, which rejects NUL and lone surrogates; template output may contain both.
 * @returns the value's JSON, to be cast to jsonb.
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

/** Escapes text for LIKE, so that it matches literally. */
export function likeText(text: string): string {
  return text.replace(/[\\%_]/g, "\\$&");
}

/** Case-insensitive equality. Prisma turns this into ILIKE without escaping, so an unescaped `%` would match anyone. */
export function sameText(text: string) {
  return { equals: likeText(text), mode: "insensitive" as const };
}

/** Case-insensitive substring match. */
export function containsText(text: string) {
  return { contains: likeText(text), mode: "insensitive" as const };
}

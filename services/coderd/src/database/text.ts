/** The text as a pattern of LIKE that stands for itself: its wildcards and escapes are none. */
export function likeText(text: string): string {
  return text.replace(/[\\%_]/g, "\\$&");
}

/** Equal, without regard to case. Prisma makes ILIKE of it and escapes nothing: `%` would find anybody. */
export function sameText(text: string) {
  return { equals: likeText(text), mode: "insensitive" as const };
}

/** Contained, without regard to case. */
export function containsText(text: string) {
  return { contains: likeText(text), mode: "insensitive" as const };
}

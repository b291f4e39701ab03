const MAX_LENGTH = 64;
/** Characters that cannot be seen, or that change how their neighbors are shown: controls, bidi marks, fillers. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
/** Marks stacked onto one letter, which can cover the text around it. */
const STACKED_MARKS = /\p{M}{3,}/u;
/** Scripts with letters that look like Latin ones. */
const LOOKALIKE = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u;

/** The name as it is stored and shown: equal-looking characters have one form. */
export function normalizedAppName(name: string): string {
  return name.normalize("NFKC").replace(/\s+/gu, " ").trim();
}

/**
 * What is wrong with an app's name, as a sentence. Users decide by the name whom they trust, so it must not look like
 * another one.
 */
export function appNameProblem(name: string): string | undefined {
  if (name === "") return "The name must not be empty.";
  if (name.length > MAX_LENGTH) return `The name must be at most ${MAX_LENGTH} characters long.`;
  if (INVISIBLE.test(name)) return "The name must not contain invisible characters.";
  if (STACKED_MARKS.test(name)) return "The name must not stack marks onto a letter.";
  if (/\p{Script=Latin}/u.test(name) && LOOKALIKE.test(name))
    return "The name must not mix Latin letters with letters that look like them.";
  return undefined;
}

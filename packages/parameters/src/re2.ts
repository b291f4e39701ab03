import { RE2JS, RE2JSSyntaxException } from "re2js";
import { PatternRefused } from "./rules.js";

/** Maximum cached patterns: a form checks the same few on every keystroke. */
const KEPT = 64;
const compiled = new Map<string, RE2JS>();

/**
 * Whether the pattern matches anywhere in the text, as Go's `regexp.MatchString`. Takes time linear in the text.
 *
 * @throws PatternRefused for a pattern that Go rejects.
 */
export function matches(pattern: string, text: string): boolean {
  return compile(pattern).matcher(text).find();
}

/** Why the pattern is invalid; undefined if it is valid. */
export function patternFault(pattern: string): string | undefined {
  try {
    compile(pattern);
    return undefined;
  } catch (error) {
    if (error instanceof PatternRefused) return error.message;
    throw error;
  }
}

function compile(pattern: string): RE2JS {
  const known = compiled.get(pattern);
  if (known) return known;
  try {
    const regex = RE2JS.compile(pattern);
    if (compiled.size >= KEPT) compiled.clear();
    compiled.set(pattern, regex);
    return regex;
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    throw new PatternRefused(`The pattern ${pattern} is invalid: ${reasonOf(error, pattern)}.`, {
      cause: error,
    });
  }
}

/** The library's reason, and the position (from 1) of the part that it reports. */
function reasonOf(error: RE2JSSyntaxException, pattern: string): string {
  const reason = error.error;
  const part = error.input;
  const at = part ? pattern.lastIndexOf(part) : -1;
  return at < 0 || part === pattern ? reason : `${reason} at character ${at + 1}: ${part}`;
}

import { runInNewContext } from "node:vm";
import { NotRe2, re2ToJavaScript } from "./re2.js";

/** A template's expression must not hold up the other builds of the process for longer. */
const TIME_LIMIT_MS = 250;

/** The expression cannot be used; the message says why. */
export class RegexRefused extends Error {
  override readonly name = "RegexRefused";
}

/**
 * Whether the text matches an expression in Go's syntax (RE2), which is what templates are written in. Throws RegexRefused
 * for one that Go refuses too, and for one that takes too long here, where matching is not linear in time.
 */
export function matches(expression: string, text: string): boolean {
  try {
    const source = re2ToJavaScript(expression);
    // A context of its own, because only there a running match can be interrupted.
    return runInNewContext(
      `new RegExp(source, "u").test(text)`,
      { source, text },
      { timeout: TIME_LIMIT_MS },
    );
  } catch (error) {
    throw new RegexRefused(`The regex "${expression}" cannot be used: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof NotRe2) return error.message;
  if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") {
    return "it takes too long to match. Write it with fewer nested repetitions.";
  }
  return "it is not valid.";
}

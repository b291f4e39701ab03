import { runInNewContext } from "node:vm";

/** A template's expression must not hold up the other builds of the process. */
const TIME_LIMIT_MS = 250;

/** The expression cannot be used; the message says why. */
export class RegexRefused extends Error {
  override readonly name = "RegexRefused";
}

/**
 * Whether the text matches an expression in Go's syntax (RE2), which is what templates are written in. Throws RegexRefused
 * for one that Go refuses too, and for one that takes too long here.
 */
export function matches(expression: string, text: string): boolean {
  const { source, flags } = translate(expression);
  try {
    // A context of its own, because only there a running match can be interrupted.
    return runInNewContext(
      "new RegExp(source, flags).test(text)",
      { source, flags, text },
      { timeout: TIME_LIMIT_MS },
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") {
      throw new RegexRefused(
        `The regex "${expression}" takes too long to match. Write it with fewer nested repetitions.`,
      );
    }
    throw new RegexRefused(`"${expression}" is not a valid regex.`);
  }
}

const POSIX_CLASSES: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7f",
  blank: "\\t ",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "!-~",
  lower: "a-z",
  print: " -~",
  punct: "!-\\/:-@\\[-`{-~",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};

/** Rewrites what RE2 spells in another way than JavaScript, and refuses what only JavaScript has. */
function translate(expression: string): { source: string; flags: string } {
  const leading = /^\(\?([ims]+)\)/.exec(expression);
  const body = expression.slice(leading?.[0].length ?? 0);
  if (/(?<!\\)(?:\\\\)*(?:\(\?<?[=!]|\\[1-9])/.test(body)) {
    throw new RegexRefused(
      `"${expression}" is not a valid regex: look-around and back-references are not supported.`,
    );
  }
  const source = body
    .replace(/\[:(\w+):\]/g, (whole, name: string) => POSIX_CLASSES[name] ?? whole)
    .replace(/\(\?P</g, "(?<")
    .replace(/\\A/g, "^")
    .replace(/\\z/g, "$(?![^])")
    .replace(/\\Q(.*?)(?:\\E|$)/gs, (_whole, literal: string) =>
      literal.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"),
    )
    .replace(/\\([pP])([A-Z])(?![\w{])/g, "\\$1{$2}");
  return {
    source,
    flags: [...new Set(`${leading?.[1] ?? ""}`)].join("") + (/\\[pP]\{/.test(source) ? "u" : ""),
  };
}

/** The expression uses something that RE2, the syntax of templates, does not have. */
export class NotRe2 extends Error {
  override readonly name = "NotRe2";
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
  punct: "!-\\/:-@\\[-`\\{-~",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};

const SPACE = "\\t\\n\\f\\r ";

type Rewrite = (match: readonly string[], groups: number[]) => string;
type Rules = readonly (readonly [pattern: RegExp, rewrite: Rewrite])[];

/** Escapes that read alike within brackets and outside. */
const ESCAPES: Rules = [
  [/\\[1-9]/uy, () => refuse("Back-references are not supported.")],
  [/\\a/uy, () => "\\x07"],
  [/\\x\{([0-9A-Fa-f]+)\}/uy, ([, code]) => `\\u{${code}}`],
  [/\\([pP])(?:\{(\w+)\}|(\w))/uy, ([, p, long, short]) => `\\${p}{${property(long ?? short ?? "")}}`],
  [/\\([^\w^$\\.*+?()[\]{}|/])/uy, ([, character]) => (character === "-" ? "\\x2d" : character!)],
  [/\\_/uy, () => "_"],
  [/\\[\s\S]?/uy, ([whole]) => whole!],
];

const WITHIN_BRACKETS: Rules = [
  [/\[:(\w+):\]/uy, ([whole, name]) => POSIX_CLASSES[name!] ?? refuse(`There is no class ${whole}.`)],
  [/\\s/uy, () => SPACE],
  ...ESCAPES,
  [/\[/uy, () => "\\["],
  [/[\s\S]/uy, ([whole]) => whole!],
];

/** `groups` counts, for each group that is open, the `(?i)` within that have to be closed with it. */
const OUTSIDE: Rules = [
  [/\\Q([\s\S]*?)(?:\\E|$)/uy, ([, text]) => text!.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")],
  [/\\A/uy, () => "(?<![\\s\\S])"],
  [/\\z/uy, () => "(?![\\s\\S])"],
  [/\\s/uy, () => `[${SPACE}]`],
  [/\\S/uy, () => `[^${SPACE}]`],
  ...ESCAPES,
  [
    /\[(\^?)(\]?)((?:\[:\w+:\]|\\[\s\S]|[^\]\\])*)\]/uy,
    ([, not, bracket, body]) => `[${not}${bracket ? "\\]" : ""}${rewrite(body!, WITHIN_BRACKETS, [])}]`,
  ],
  [/\(\?<?[=!]/uy, () => refuse("Look-around is not supported.")],
  [/\(\?P?<(\w+)>/uy, ([, name], groups) => opened(`(?<${name}>`, groups)],
  [/\(\?([ims]*(?:-[ims]+)?)\)/uy, ([, flags], groups) => counted(`(?${flags}:`, groups)],
  [/\((?:\?[ims-]*:)?/uy, ([whole], groups) => opened(whole!, groups)],
  [/\)/uy, (_match, groups) => `${")".repeat(groups.pop() ?? 0)})`],
  [/\{\d+(?:,\d*)?\}/uy, ([whole]) => whole!],
  [/[{}\]]/uy, ([whole]) => `\\${whole}`],
  [/[\s\S]/uy, ([whole]) => whole!],
];

/**
 * Rewrites an expression in RE2's syntax (https://github.com/google/re2/wiki/Syntax) for JavaScript's engine with the flag
 * `u`. Throws NotRe2 for look-around and back-references; other mistakes are left for the engine to find.
 */
export function re2ToJavaScript(expression: string): string {
  const groups = [0];
  return rewrite(expression, OUTSIDE, groups) + ")".repeat(groups[0] ?? 0);
}

/** The last rule of each table takes any character, so every text is read to its end. */
function rewrite(text: string, rules: Rules, groups: number[]): string {
  let out = "";
  for (let at = 0; at < text.length; ) {
    for (const [pattern, rewriteMatch] of rules) {
      pattern.lastIndex = at;
      const match = pattern.exec(text);
      if (!match) continue;
      at += match[0].length;
      out += rewriteMatch(match, groups);
      break;
    }
  }
  return out;
}

function opened(text: string, groups: number[]): string {
  groups.push(0);
  return text;
}

function counted(text: string, groups: number[]): string {
  groups[groups.length - 1]! += 1;
  return text;
}

/** RE2 names general categories and scripts alike. */
function property(name: string): string {
  return /^[A-Z][a-z]?$/.test(name) ? name : `Script=${name}`;
}

function refuse(reason: string): never {
  throw new NotRe2(reason);
}

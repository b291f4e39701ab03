import { syntaxError, type Token, tokenize } from "./tokens.js";

export type HclBody = { attributes: HclAttribute[]; blocks: HclBlock[] };

/** A part's offsets in the source. */
export type Span = { start: number; end: number };

export type HclBlock = { type: string; labels: string[]; body: HclBody; line: number } & Span;

export type HclAttribute = {
  name: string;
  /** The expression's source text. */
  text: string;
  tokens: readonly Token[];
  line: number;
} & Span;

/** Nesting depth of blocks and brackets. */
const MAX_DEPTH = 100;

const CLOSERS: Record<string, string> = { "(": ")", "[": "]", "{": "}" };

/**
 * The structure of a file in HCL's native syntax: blocks, attributes and the text of their expressions. Throws
 * `invalid_argument` with file and line if the structure is invalid; evaluating expressions is left to terraform.
 */
export function parseHcl(source: string, file: string): HclBody {
  const tokens = tokenize(source, file);
  let at = 0;

  const fail = (token: Token, detail: string) => syntaxError(file, token.line, detail);
  const shown = (token: Token) =>
    token.kind === "newline"
      ? "the end of the line"
      : token.kind === "end"
        ? "the end of the file"
        : JSON.stringify(token.text);

  function parseBody(closer: "}" | "end", depth: number): HclBody {
    const body: HclBody = { attributes: [], blocks: [] };
    for (;;) {
      const token = tokens[at]!;
      if (depth > MAX_DEPTH) throw fail(token, "blocks are nested too deeply.");
      if (token.kind === "newline") at++;
      else if (token.kind === "end") {
        if (closer === "end") return body;
        throw fail(token, "a block is not closed with }.");
      } else if (token.text === "}" && closer === "}") {
        at++;
        return body;
      } else if (token.kind === "identifier" || token.kind === "string") {
        at++;
        if (tokens[at]!.text === "=" && token.kind === "identifier")
          body.attributes.push(parseAttribute(token));
        else body.blocks.push(parseBlock(token, depth));
      } else
        throw fail(token, `${shown(token)} is unexpected here: a block or attribute must start with a name.`);
    }
  }

  function parseBlock(name: Token, depth: number): HclBlock {
    const labels: string[] = [];
    for (;;) {
      const token = tokens[at++]!;
      if (token.text === "{" && token.kind === "symbol") break;
      if (token.kind === "identifier") labels.push(token.text);
      else if (token.kind === "string" && token.value !== undefined) labels.push(token.value);
      else
        throw fail(
          token,
          `${shown(token)} is unexpected after ${name.text}: expected = and a value, or a { block }.`,
        );
    }
    const body = parseBody("}", depth + 1);
    return { type: name.text, labels, body, line: name.line, start: name.start, end: tokens[at - 1]!.end };
  }

  /** Reads an expression: up to the end of the line, or to the closing brace of a one-line block. */
  function parseAttribute(name: Token): HclAttribute {
    at++;
    const first = at;
    const open: string[] = [];
    for (; ; at++) {
      const token = tokens[at]!;
      if (token.kind === "end")
        throw fail(name, `the value of ${name.text} is not closed with ${open.at(-1)}.`);
      if (open.length === 0 && (token.kind === "newline" || token.text === "}")) break;
      if (token.kind !== "symbol") continue;
      if (token.text in CLOSERS) open.push(CLOSERS[token.text]!);
      else if (Object.values(CLOSERS).includes(token.text) && open.pop() !== token.text) {
        throw fail(token, `${shown(token)} has no matching opening bracket.`);
      }
      if (open.length > MAX_DEPTH) throw fail(token, "brackets are nested too deeply.");
    }
    const taken = tokens.slice(first, at);
    if (taken.length === 0) throw fail(name, `${name.text} has no value.`);
    return {
      name: name.text,
      text: source.slice(taken[0]!.start, taken.at(-1)!.end),
      tokens: taken,
      line: name.line,
      start: name.start,
      end: taken.at(-1)!.end,
    };
  }

  return parseBody("end", 0);
}

/** The attribute with that name, if the body has it. */
export function attributeOf(body: HclBody, name: string): HclAttribute | undefined {
  return body.attributes.find((attribute) => attribute.name === name);
}

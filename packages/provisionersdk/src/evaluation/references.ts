import type { Span } from "../hcl/parse.js";
import { type Token, tokenize } from "../hcl/tokens.js";

/** A dotted name in an expression, `data.coder_parameter.region.value`, without what comes after an index. */
export type Reference = { words: readonly string[] } & Span;

/** A call of another provider's function: `provider::time::rfc3339_parse(`, with its opening bracket. */
export type ProviderCall = { provider: string } & Span;

export type Uses = {
  references: Reference[];
  providerCalls: ProviderCall[];
};

/**
 * What an expression uses, strings with interpolations included. Variables of `for` expressions are found, too: they are
 * told from references by their names, which nothing declares.
 */
export function usesOf(tokens: readonly Token[]): Uses {
  const uses: Uses = { references: [], providerCalls: [] };
  collect(tokens, 0, uses);
  return uses;
}

function collect(tokens: readonly Token[], offset: number, uses: Uses): void {
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (token.kind === "string" && token.value === undefined) {
      for (const section of templateSections(token.text)) {
        collect(tokenize(section.text, ""), offset + token.start + section.start, uses);
      }
    }
    if (token.kind !== "identifier" || tokens[at - 1]?.text === ".") continue;
    const next = tokens[at + 1];
    if (next?.text === "::") {
      const last = endOfFunctionName(tokens, at);
      if (token.text === "provider") {
        const bracket = tokens[last + 1] ?? tokens[last]!;
        const span = { start: offset + token.start, end: offset + bracket.end };
        uses.providerCalls.push({ provider: tokens[at + 2]?.text ?? "", ...span });
      }
      at = last;
      continue;
    }
    if (next?.text !== ".") continue;
    let last = at;
    const words = [token.text];
    while (tokens[last + 1]?.text === "." && tokens[last + 2]?.kind === "identifier") {
      last += 2;
      words.push(tokens[last]!.text);
    }
    if (words.length > 1)
      uses.references.push({ words, start: offset + token.start, end: offset + tokens[last]!.end });
    at = last;
  }
}

function endOfFunctionName(tokens: readonly Token[], first: number): number {
  let last = first;
  while (tokens[last + 1]?.text === "::" && tokens[last + 2]?.kind === "identifier") last += 2;
  return last;
}

/** The `${…}` and `%{…}` sections of a quoted string or heredoc: the expressions in them, and where they start. */
function templateSections(text: string): { text: string; start: number }[] {
  const sections: { text: string; start: number }[] = [];
  const quoted = text.startsWith('"');
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (quoted && char === "\\") at++;
    else if ((char === "$" || char === "%") && text[at + 1] === char && text[at + 2] === "{") at += 2;
    else if ((char === "$" || char === "%") && text[at + 1] === "{") {
      const end = endOfSection(text, at + 2);
      // `~` at either end trims white space around the section.
      const inner = text
        .slice(at + 2, end)
        .replace(/^~/, " ")
        .replace(/~$/, " ");
      sections.push({ text: inner, start: at + 2 });
      at = end;
    }
  }
  return sections;
}

/** The offset of the bracket that closes a section; what is in strings within it does not count. */
function endOfSection(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    const char = text[at]!;
    if (char === '"') at = endOfString(text, at);
    else if (char === "{") depth++;
    else if (char === "}" && --depth === 0) return at;
  }
  return text.length;
}

function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const char = text[at]!;
    if (char === "\\") at++;
    else if (char === '"') return at;
    else if ((char === "$" || char === "%") && text[at + 1] === "{" && text[at - 1] !== char)
      at = endOfSection(text, at + 2);
  }
  return text.length;
}

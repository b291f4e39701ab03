export type TokenKind = "comment" | "string" | "number" | "keyword" | "block" | "name" | "plain";
export type Token = { kind: TokenKind; text: string };

const KEYWORDS = new Set(["true", "false", "null", "for", "in", "if", "else", "endif", "endfor"]);
const WORD = /[A-Za-z_][\w-]*/y;
const NUMBER = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /\s+/y;

/** Tokens of HCL (Terraform), line by line. What it does not know stays plain; nothing is lost or added. */
export function highlightHcl(source: string): Token[][] {
  const lines: Token[][] = [];
  /** Inside of `/* … …`, or of a heredoc with this end. */
  let inComment = false;
  let heredoc: string | undefined;
  for (const line of source.split("\n")) {
    if (heredoc !== undefined) {
      lines.push([{ kind: "string", text: line }]);
      if (line.trim() === heredoc) heredoc = undefined;
      continue;
    }
    const { tokens, open } = tokensOf(line, inComment);
    inComment = open;
    heredoc = /<<[-~]?([A-Za-z_]\w*)\s*$/.exec(line)?.[1];
    lines.push(tokens);
  }
  return lines;
}

function tokensOf(line: string, startsInComment: boolean): { tokens: Token[]; open: boolean } {
  const tokens: Token[] = [];
  const push = (kind: TokenKind, text: string) => {
    const last = tokens.at(-1);
    if (last?.kind === kind) last.text += text;
    else if (text) tokens.push({ kind, text });
  };
  let at = 0;
  let open = startsInComment;
  while (at < line.length) {
    const rest = line.slice(at);
    if (open || rest.startsWith("/*")) {
      const end = rest.indexOf("*/", open ? 0 : 2);
      const text = end < 0 ? rest : rest.slice(0, end + 2);
      push("comment", text);
      open = end < 0;
      at += text.length;
    } else if (rest.startsWith("#") || rest.startsWith("//")) {
      push("comment", rest);
      at = line.length;
    } else {
      const [kind, text] = tokenAt(line, at);
      push(kind, text);
      at += text.length;
    }
  }
  return { tokens, open };
}

function tokenAt(line: string, at: number): [TokenKind, string] {
  if (line[at] === '"') return ["string", line.slice(at, endOfString(line, at))];
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    return pattern.exec(line)?.[0];
  };
  const space = match(SPACE);
  if (space) return ["plain", space];
  const number = match(NUMBER);
  if (number) return ["number", number];
  const word = match(WORD);
  if (!word) return ["plain", line[at]!];
  if (KEYWORDS.has(word)) return ["keyword", word];
  if (/^\s*$/.test(line.slice(0, at))) {
    const after = line.slice(at + word.length).trimStart();
    if (/^(?:=(?!=)|:)/.test(after)) return ["name", word];
    if (/^(?:"[^"]*"\s*)*\{/.test(after)) return ["block", word];
  }
  return ["plain", word];
}

/** Where the string that starts here ends; an interpolation may contain strings of its own. */
function endOfString(line: string, start: number): number {
  let depth = 0;
  for (let at = start + 1; at < line.length; at++) {
    const char = line[at];
    if (char === "\\") at++;
    else if ((char === "$" || char === "%") && line[at + 1] === "{") {
      depth++;
      at++;
    } else if (char === "}" && depth > 0) depth--;
    else if (char === '"' && depth === 0) return at + 1;
  }
  return line.length;
}

import { FleetError } from "@fleet/base";

/**
 * Tokens of HCL's native syntax, as far as needed to read a configuration's structure. Expressions are not
 * evaluated: an interpolated string is one token without a value.
 */
export type Token = {
  kind: "identifier" | "number" | "string" | "symbol" | "newline" | "end";
  text: string;
  /** The value of a string without interpolation. */
  value: string | undefined;
  line: number;
  /** Offsets into the source. */
  start: number;
  end: number;
};

/** The file is not valid HCL. The message starts with file and line, as terraform's own do. */
export class HclSyntaxError extends FleetError {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly fault: string;

  constructor(file: string, line: number, fault: string) {
    super("invalid_argument", `${file}:${line}: ${fault}`);
    this.file = file;
    this.line = line;
    this.fault = fault;
  }
}

export function syntaxError(file: string, line: number, detail: string): HclSyntaxError {
  return new HclSyntaxError(file, line, detail);
}

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\" };

export function tokenize(source: string, file: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;

  function push(kind: Token["kind"], start: number, value?: string, startLine = line): void {
    tokens.push({ kind, text: source.slice(start, at), value, line: startLine, start, end: at });
  }

  /** Skips a `${` or `%{` sequence, including strings within it. */
  function skipTemplate(opened: number): void {
    let depth = 1;
    while (depth > 0) {
      const char = source[at];
      if (char === undefined) throw syntaxError(file, opened, "an interpolation is not closed with }.");
      if (char === "\n") line++;
      if (char === '"') {
        readString();
        continue;
      }
      if (char === "{") depth++;
      if (char === "}") depth--;
      at++;
    }
  }

  /** Reads a quoted string from its opening quote; returns its value, or undefined if it is interpolated. */
  function readString(): string | undefined {
    const opened = line;
    let value: string | undefined = "";
    at++;
    for (;;) {
      const char = source[at];
      if (char === undefined || char === "\n")
        throw syntaxError(file, opened, 'a string is not closed with ".');
      if (char === '"') {
        at++;
        return value;
      }
      if (char === "\\") {
        const letter = source[at + 1] ?? "";
        const unicode = /^(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(source.slice(at + 1, at + 10));
        const code = unicode ? Number.parseInt(unicode[1] ?? unicode[2]!, 16) : 0;
        if (unicode ? code > 0x10ffff : !(letter in ESCAPES)) {
          throw syntaxError(file, line, `unknown escape sequence \\${letter} in a string.`);
        }
        if (value !== undefined) value += unicode ? String.fromCodePoint(code) : ESCAPES[letter];
        at += unicode ? unicode[0].length + 1 : 2;
        continue;
      }
      if ((char === "$" || char === "%") && source[at + 1] === "{") {
        if (source[at - 1] === char) {
          // `$${` is a literal `${`: the first `$` is already in the value.
          if (value !== undefined) value = `${value.slice(0, -1)}${char}{`;
          at += 2;
          continue;
        }
        at += 2;
        skipTemplate(line);
        value = undefined;
        continue;
      }
      if (value !== undefined) value += char;
      at++;
    }
  }

  /** Reads a heredoc from its `<<`. */
  function readHeredoc(opener: RegExpExecArray): void {
    const start = at;
    const startLine = line;
    const [whole, dash, name] = opener;
    at += whole.length;
    line++;
    const lines: string[] = [];
    for (;;) {
      if (at >= source.length) throw syntaxError(file, startLine, `the heredoc is not closed with ${name}.`);
      const end = source.indexOf("\n", at) === -1 ? source.length : source.indexOf("\n", at);
      const text = source.slice(at, end).replace(/\r$/, "");
      if (text.trim() === name) {
        at = end;
        break;
      }
      lines.push(text);
      at = Math.min(end + 1, source.length);
      line++;
    }
    const indents = lines.filter((text) => text.trim() !== "").map((text) => /^\s*/.exec(text)![0].length);
    const indent = dash ? Math.min(...indents, Number.MAX_SAFE_INTEGER) : 0;
    const body = lines.map((text) => `${text.slice(indent)}\n`).join("");
    push("string", start, /[$%]\{/.test(body) ? undefined : body, startLine);
  }

  while (at < source.length) {
    const rest = source.slice(at, at + 300);
    const start = at;
    const char = source[at]!;
    if (char === "\n") {
      at++;
      push("newline", start);
      line++;
    } else if (/[ \t\r\uFEFF]/.test(char)) at++;
    else if (char === "#" || rest.startsWith("//")) {
      const end = source.indexOf("\n", at);
      at = end === -1 ? source.length : end;
    } else if (rest.startsWith("/*")) {
      const end = source.indexOf("*/", at + 2);
      if (end === -1) throw syntaxError(file, line, "a comment is not closed with */.");
      line += source.slice(at, end).split("\n").length - 1;
      at = end + 2;
    } else if (char === '"') {
      const startLine = line;
      const value = readString();
      push("string", start, value, startLine);
    } else {
      const heredoc = /^<<(-?)([A-Za-z_][\w-]*)[ \t]*\r?\n/.exec(rest);
      const word = /^[\p{L}_][\p{L}\p{N}_-]*/u.exec(rest) ?? undefined;
      const number = /^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(rest);
      const symbol = /^(?:==|!=|<=|>=|&&|\|\||=>|\.\.\.|::|[-+*/%!<>?:=.,()[\]{}])/.exec(rest);
      if (heredoc) readHeredoc(heredoc);
      else if (word || number || symbol) {
        at += (word ?? number ?? symbol)![0].length;
        push(word ? "identifier" : number ? "number" : "symbol", start);
      } else throw syntaxError(file, line, `unexpected character ${JSON.stringify(char)}.`);
    }
  }
  push("newline", at);
  push("end", at);
  return tokens;
}

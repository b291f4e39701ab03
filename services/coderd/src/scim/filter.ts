import { ScimError } from "./errors.js";

export type Operator = "eq" | "ne" | "co" | "sw" | "ew" | "gt" | "ge" | "lt" | "le";
export type Literal = string | number | boolean | null;

/** A filter of RFC 7644 §3.4.2.2. */
export type Filter =
  | { kind: "and" | "or"; parts: readonly Filter[] }
  | { kind: "not"; part: Filter }
  | { kind: "present"; attribute: string }
  | { kind: "compare"; attribute: string; operator: Operator; value: Literal }
  /** `emails[type eq "work"]`: true if one value of the attribute fulfills the inner filter. */
  | { kind: "value"; attribute: string; filter: Filter };

/** The target of a PATCH operation (§3.5.2): `members`, `name.familyName`, `emails[type eq "work"].value`. */
export type Path = { attribute: string; filter?: Filter; sub?: string };

/** Maximum length in characters, and depth of parentheses: a parser that descends cannot exhaust the stack. */
const MAX_LENGTH = 4_096;
const MAX_DEPTH = 32;

const OPERATORS: readonly string[] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];
/**
 * A name, also with a URI in front and a sub-attribute behind, or only a sub-attribute; a JSON string or number; a
 * bracket.
 */
const TOKEN =
  /\s*(?:(\.?[A-Za-z$][\w$:.-]*)|("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([()[\]]))/y;

type Token = { kind: "name" | "string" | "number" | "bracket" | "end"; text: string; at: number };

/** @throws ScimError invalidFilter. */
export function parseFilter(text: string): Filter {
  const parser = createParser(text, "invalidFilter");
  const filter = parser.or(0);
  parser.end();
  return filter;
}

/** @throws ScimError invalidPath. */
export function parsePath(text: string): Path {
  const parser = createParser(text, "invalidPath");
  const path = parser.path();
  parser.end();
  return path;
}

function tokens(text: string, refuse: (detail: string) => never): Token[] {
  if (text.length > MAX_LENGTH) refuse(`It is longer than ${MAX_LENGTH} characters.`);
  const found: Token[] = [];
  const end = text.trimEnd().length;
  for (let at = 0; at < end; ) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) refuse(`Unexpected "${text.slice(at).trimStart()[0]}" at character ${at + 1}.`);
    const [whole, name, string, number, bracket] = match!;
    const kind = name ? "name" : string ? "string" : number ? "number" : "bracket";
    found.push({ kind, text: (name ?? string ?? number ?? bracket)!, at });
    at += whole!.length;
  }
  return [...found, { kind: "end", text: "the end", at: end }];
}

/** Recursive descent over the tokens; `or` binds weaker than `and`, and that weaker than `not`. */
function createParser(text: string, scimType: "invalidFilter" | "invalidPath") {
  const what = scimType === "invalidFilter" ? "filter" : "path";
  const refuse = (detail: string): never => {
    throw new ScimError(scimType, `The ${what} is not valid. ${detail}`);
  };
  const list = tokens(text, refuse);
  let next = 0;

  const peek = () => list[next]!;
  const take = () => list[next === list.length - 1 ? next : next++]!;
  const unexpected = ({ text: found, at }: Token): never =>
    refuse(`Unexpected ${found === "the end" ? found : `"${found.slice(0, 64)}"`} at character ${at + 1}.`);
  const isWord = (word: string) => peek().kind === "name" && peek().text.toLowerCase() === word;
  const isBracket = (bracket: string) => peek().kind === "bracket" && peek().text === bracket;

  function bracket(expected: string): void {
    const token = take();
    if (token.kind !== "bracket" || token.text !== expected) unexpected(token);
  }

  function chain(word: "and" | "or", part: (depth: number) => Filter, depth: number): Filter {
    const parts = [part(depth)];
    while (isWord(word)) {
      take();
      parts.push(part(depth));
    }
    return parts.length === 1 ? parts[0]! : { kind: word, parts };
  }

  const or = (depth: number): Filter => chain("or", and, depth);
  const and = (depth: number): Filter => chain("and", unary, depth);

  function unary(depth: number): Filter {
    if (depth > MAX_DEPTH) refuse(`It is nested deeper than ${MAX_DEPTH} levels.`);
    const isNot = isWord("not") && list[next + 1]?.text === "(";
    if (isNot) take();
    if (isNot || isBracket("(")) {
      bracket("(");
      const part = or(depth + 1);
      bracket(")");
      return isNot ? { kind: "not", part } : part;
    }
    return expression(depth);
  }

  function expression(depth: number): Filter {
    const attribute = name();
    if (isBracket("[")) return { kind: "value", attribute, filter: inner(depth) };
    const operator = take();
    const word = operator.text.toLowerCase();
    if (operator.kind === "name" && word === "pr") return { kind: "present", attribute };
    if (operator.kind !== "name" || !OPERATORS.includes(word)) unexpected(operator);
    return { kind: "compare", attribute, operator: word as Operator, value: literal() };
  }

  function inner(depth: number): Filter {
    bracket("[");
    const filter = or(depth + 1);
    bracket("]");
    return filter;
  }

  function name(): string {
    const token = take();
    return token.kind === "name" && !token.text.startsWith(".") ? token.text : unexpected(token);
  }

  function literal(): Literal {
    const token = take();
    const word = token.text.toLowerCase();
    if (token.kind === "name" && ["true", "false", "null"].includes(word)) return JSON.parse(word) as Literal;
    if (token.kind !== "string" && token.kind !== "number") unexpected(token);
    try {
      return JSON.parse(token.text) as Literal;
    } catch {
      return unexpected(token);
    }
  }

  return {
    or,
    path(): Path {
      const attribute = name();
      if (!isBracket("[")) return { attribute };
      const filter = inner(0);
      const { kind, text: rest } = peek();
      if (kind !== "name" || !rest.startsWith(".")) return { attribute, filter };
      take();
      return { attribute, filter, sub: rest.slice(1) };
    },
    end(): void {
      if (peek().kind !== "end") unexpected(peek());
    },
  };
}

import type { Token } from "./tokens.js";

export type Literal = string | number | boolean | null | Literal[] | { [key: string]: Literal };

/** Stands in for an expression that is not a literal. */
export const DYNAMIC = Symbol("an expression that only Terraform can evaluate");

/** The value of an expression made of literals, lists and objects; DYNAMIC for anything else. */
export function literalOf(tokens: readonly Token[]): Literal | typeof DYNAMIC {
  const significant = tokens.filter((token) => token.kind !== "newline");
  let at = 0;

  function value(): Literal | typeof DYNAMIC {
    const token = significant[at++];
    if (!token) return DYNAMIC;
    if (token.kind === "string") return token.value ?? DYNAMIC;
    if (token.kind === "number") return Number(token.text);
    if (token.kind === "identifier") {
      if (token.text === "true") return true;
      if (token.text === "false") return false;
      return token.text === "null" ? null : DYNAMIC;
    }
    if (token.text === "-" && significant[at]?.kind === "number") return -Number(significant[at++]!.text);
    if (token.text === "[") return list();
    if (token.text === "{") return object();
    return DYNAMIC;
  }

  function list(): Literal | typeof DYNAMIC {
    const items: Literal[] = [];
    while (significant[at]?.text !== "]") {
      const item = value();
      if (item === DYNAMIC) return DYNAMIC;
      items.push(item);
      if (significant[at]?.text === ",") at++;
      else if (significant[at]?.text !== "]") return DYNAMIC;
    }
    at++;
    return items;
  }

  function object(): Literal | typeof DYNAMIC {
    const fields: [string, Literal][] = [];
    while (significant[at]?.text !== "}") {
      const key = significant[at++];
      const name = key?.kind === "identifier" ? key.text : key?.kind === "string" ? key.value : undefined;
      const sign = significant[at++]?.text;
      if (name === undefined || (sign !== "=" && sign !== ":")) return DYNAMIC;
      const field = value();
      if (field === DYNAMIC) return DYNAMIC;
      fields.push([name, field]);
      if (significant[at]?.text === ",") at++;
    }
    at++;
    return Object.fromEntries(fields);
  }

  const result = value();
  return at === significant.length ? result : DYNAMIC;
}

/** What an identity provider said about a user: the claims of the ID token and of the userinfo endpoint, merged. */
export type Claims = Readonly<Record<string, unknown>>;

/** Maximum values read from one claim; further ones are ignored. */
export const MAX_CLAIM_VALUES = 5_000;
/** Maximum length of a value, in characters; longer ones are ignored. */
const MAX_VALUE_LENGTH = 1_024;
/** How deep lists within lists are read. */
const MAX_DEPTH = 4;

/**
 * The claim named by the field. A name that is not a claim itself is read as a path into nested objects, as
 * `realm_access.roles` of Keycloak.
 */
export function claimAt(claims: Claims, field: string): unknown {
  if (Object.hasOwn(claims, field)) return claims[field];
  let found: unknown = claims;
  for (const part of field.split(".")) {
    if (typeof found !== "object" || found === null || Array.isArray(found)) return undefined;
    if (!Object.hasOwn(found, part)) return undefined;
    found = (found as Record<string, unknown>)[part];
  }
  return found;
}

/**
 * The values of a claim, each once: the items of a list, or the parts of a comma-separated text. A text that is one of
 * the `whole` values is not split: the distinguished name of an LDAP group contains commas. Other types have no values.
 */
export function claimValues(claim: unknown, whole: ReadonlySet<string> = new Set()): string[] {
  const values = new Set<string>();
  const add = (text: string) => {
    const value = text.trim();
    const fits = value !== "" && value.length <= MAX_VALUE_LENGTH && isStorable(value);
    if (fits && values.size < MAX_CLAIM_VALUES) values.add(value);
  };
  if (typeof claim === "string") {
    for (const part of whole.has(claim.trim()) ? [claim] : claim.split(",")) add(part);
  } else if (Array.isArray(claim)) collect(claim, MAX_DEPTH, add);
  else if (isScalar(claim)) add(String(claim));
  return [...values];
}

function collect(items: readonly unknown[], depth: number, add: (text: string) => void): void {
  for (const item of items.slice(0, MAX_CLAIM_VALUES)) {
    if (typeof item === "string") add(item);
    else if (isScalar(item)) add(String(item));
    else if (Array.isArray(item) && depth > 1) collect(item, depth - 1, add);
  }
}

/** Postgres rejects NUL and lone surrogates. */
const isStorable = (text: string) => !text.includes("\0") && text.isWellFormed();

const isScalar = (value: unknown) => typeof value === "number" || typeof value === "boolean";

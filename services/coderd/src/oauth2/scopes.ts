import { canonicalScope, isScope, scopeCovers } from "@fleet/rbac";

/** The scopes in a space-separated list (RFC 6749 §3.3), each once. */
export function splitScope(text: string): string[] {
  return [...new Set(text.split(" ").filter((scope) => scope !== ""))];
}

/**
 * What a request for these scopes is granted: all that the app may have if it names none. Undefined if it names a scope
 * that does not exist or is outside the app's limit.
 */
export function grantedScopes(requested: string, appScope: string): string[] | undefined {
  const limit = splitScope(appScope);
  const wanted = splitScope(requested);
  if (wanted.length === 0) return limit.length > 0 ? limit.map(canonicalScope) : ["all"];
  if (!wanted.every(isScope)) return undefined;
  const scopes = [...new Set(wanted.map(canonicalScope))];
  if (limit.length === 0) return scopes;
  return scopeCovers(limit.map(canonicalScope), scopes) ? scopes : undefined;
}

/** The scopes as the API names them: `all` is `coder:all`. */
export function shownScope(scopes: readonly string[]): string {
  return scopes
    .map((scope) => (scope === "all" || scope === "application_connect" ? `coder:${scope}` : scope))
    .join(" ");
}

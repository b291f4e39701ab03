import { isFleetError } from "@fleet/base";
import { type Answer, call } from "./http.js";
import { bearer } from "./oauth.js";
import type { Provider } from "./providers.js";

/** An account at a provider. */
export type Account = { id: number; login: string; avatarUrl: string; profileUrl: string; name: string };

export type Validation = {
  /** False only if the provider says so: if it cannot be asked, the token counts as valid. */
  valid: boolean;
  /** Why it is invalid, or why it could not be asked. */
  error: string;
  /** The account, if the provider tells. */
  account: Account | undefined;
};

export type Installation = { id: number; account: Account; configureUrl: string };

/** Asks the provider whether it accepts the token. */
export async function validate(provider: Provider, token: string): Promise<Validation> {
  const url = provider.endpoints.validate;
  if (!url) return { valid: true, error: "", account: undefined };
  try {
    const answer = await call(provider.displayName, url, { headers: bearer(token) });
    const error = refusedWith(answer);
    if (error) return { valid: false, error, account: undefined };
    const unsure =
      answer.status >= 300 ? `${provider.displayName} answered with status ${answer.status}.` : "";
    return { valid: true, error: unsure, account: unsure ? undefined : accountOf(answer.fields) };
  } catch (error) {
    if (!isFleetError(error)) throw error;
    return { valid: true, error: error.message, account: undefined };
  }
}

/** Where the provider's app is installed; undefined if it has no such apps. */
export async function installations(provider: Provider, token: string): Promise<Installation[] | undefined> {
  const url = provider.endpoints.installations;
  if (!url) return undefined;
  const answer = await call(provider.displayName, url, { headers: bearer(token) });
  if (answer.status >= 300 || !Array.isArray(answer.fields.installations)) return undefined;
  return (answer.fields.installations as Record<string, unknown>[]).flatMap((one) => {
    const account = accountOf((one?.account ?? {}) as Record<string, unknown>);
    const id = numberOf(one?.id);
    return account && id !== undefined ? [{ id, account, configureUrl: textOf(one.html_url) }] : [];
  });
}

/** A refused token, as opposed to a service that is away or limits its callers. */
function refusedWith({ status, fields, headers }: Answer): string {
  if (fields.ok === false) return `The token is not valid: ${textOf(fields.error)}.`;
  const limited = headers.get("x-ratelimit-remaining") === "0" || headers.has("retry-after");
  if (status === 401 || (status === 403 && !limited)) return "The token is not valid any more.";
  return "";
}

/** GitHub, Gitea (also by OpenID Connect) and Bitbucket describe accounts in similar words. */
function accountOf(fields: Record<string, unknown>): Account | undefined {
  const login =
    textOf(fields.login) ||
    textOf(fields.preferred_username) ||
    textOf(fields.username) ||
    textOf(fields.user);
  if (!login) return undefined;
  return {
    id: numberOf(fields.id) ?? numberOf(fields.sub) ?? 0,
    login,
    avatarUrl: textOf(fields.avatar_url) || textOf(fields.picture),
    profileUrl: textOf(fields.html_url) || textOf(fields.profile),
    name: textOf(fields.name) || textOf(fields.full_name) || textOf(fields.display_name),
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOf(value: unknown): number | undefined {
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : undefined;
}

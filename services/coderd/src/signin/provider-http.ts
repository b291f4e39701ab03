import { errorMessage, FleetError } from "@fleet/base";
import { boundedFetch } from "@fleet/base/bounded-fetch";

/** How long a provider may take to respond. */
const PROVIDER_TIMEOUT_MS = 10_000;
/** Largest response of a provider: a user with thousands of groups fits in. */
const MAX_RESPONSE_BYTES = 2 * 1_024 * 1_024;

export type ProviderRequest = NonNullable<Parameters<typeof fetch>[1]>;

/**
 * fetch for responses of a sign-in provider: bounded in time and size, and without following redirects, which would
 * take a token to another host.
 * @throws unavailable, in a sentence, if there is no such response.
 */
export async function providerFetch(
  url: string,
  init: ProviderRequest = {},
  timeoutMs = PROVIDER_TIMEOUT_MS,
): Promise<Response> {
  const host = URL.parse(url)?.host ?? url;
  try {
    const limits = { timeoutMs, maxBytes: MAX_RESPONSE_BYTES };
    const { status, statusText, headers, body } = await boundedFetch(url, init, limits);
    return new Response(status === 204 || status === 304 ? null : body, { status, statusText, headers });
  } catch (cause) {
    throw new FleetError(
      "unavailable",
      `The sign-in provider at ${host} did not respond as expected. Try again later.`,
      { cause, detail: errorMessage(cause) },
    );
  }
}

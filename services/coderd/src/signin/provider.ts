import type { Flow } from "./flows.js";
import type { ProviderType } from "./links-store.js";
import type { Admission, Identity } from "./service.js";

/** A provider that users sign in with, in the browser: it is asked at one URL and answers at another. */
export type Provider = {
  readonly type: ProviderType;
  readonly admission: Admission;
  /**
   * Where to send the browser.
   * @throws unavailable if the provider cannot be reached.
   */
  authorizationUrl(flow: Flow): Promise<string>;
  /**
   * The account that the provider's answer proves, for the flow that was started in the same browser.
   * @param answer the query of the callback.
   * @throws permission_denied if the answer is not genuine or the account is not admitted, unavailable if the provider
   *   cannot be reached.
   */
  identify(answer: URLSearchParams, flow: Flow): Promise<Identity>;
};

import { parseAppUrl, parseHostPattern } from "@fleet/app-url";
import { FleetError } from "@fleet/base";
import type { Agents } from "../../agents/service.js";
import { type ApiKeys, keyIdOf } from "../../apikeys/service.js";
import type { Terminals } from "../../apps/terminal.js";
import { requireUser } from "../../auth/authorizer.js";
import type { CryptoKeys } from "../../cryptokeys/service.js";
import type { Handlers } from "../handler.js";
import { Reply } from "../reply.js";

/** The query parameter that carries the wrapped key to an app's host: upstream's name, which clients strip. */
const APP_KEY_PARAMETER = "coder_application_connect_api_key_35e783";

export type ApplicationHandlerOptions = {
  apiKeys: ApiKeys;
  agents: Agents;
  cryptoKeys: CryptoKeys;
  terminals: Terminals;
  accessUrl: string;
  wildcardHostname: string;
};

export function createApplicationHandlers(options: ApplicationHandlerOptions) {
  const pattern = options.wildcardHostname ? parseHostPattern(options.wildcardHostname) : undefined;

  /** Requires a URL on one of this deployment's app hosts: any other would leak a session to a third party. */
  function requireAppUrl(text: string): URL {
    const url = pattern && parseAppUrl(text, pattern, new URL(options.accessUrl));
    if (url) return url;
    const detail = "This URL does not belong to an app in this deployment.";
    throw new FleetError("invalid_argument", detail, { validations: [{ field: "redirect_uri", detail }] });
  }

  return {
    applicationsHost: async () => ({ host: options.wildcardHostname }),

    applicationsAuthRedirect: async ({ actor, query, ip }) => {
      const target = requireAppUrl(query.redirect_uri);
      if (actor.kind !== "user") {
        const here = new URLSearchParams({ redirect_uri: target.href });
        const login = new URL("/login", options.accessUrl);
        login.searchParams.set("redirect", `/api/v2/applications/auth-redirect?${here}`);
        return new Reply(undefined, { headers: { location: login.href } });
      }
      const wrap = await options.cryptoKeys.appKeyWrapper(target.hostname);
      const token = await options.apiKeys.createAppSession(actor, ip);
      target.searchParams.set(APP_KEY_PARAMETER, await wrap(token));
      return new Reply(undefined, { headers: { location: target.href }, made: keyIdOf(token) });
    },

    ptySignedToken: async ({ actor, body }) => {
      const access = await options.agents.access(actor, "ssh", body.agentID);
      return { signed_token: await options.terminals.sign(requireUser(actor), access) };
    },
  } satisfies Partial<Handlers>;
}

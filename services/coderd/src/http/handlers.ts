import type { Config } from "../config.js";
import type { Domain } from "../domain.js";
import type { Handlers } from "./handler.js";
import { createKeyHandlers } from "./routes/keys.js";
import { createOrganizationHandlers } from "./routes/organizations.js";
import { createUserHandlers } from "./routes/users.js";

/** The handler of every route that coderd serves. */
export function createHandlers(domain: Domain, config: Config): Partial<Handlers> {
  return {
    ...createUserHandlers({
      ...domain,
      secureCookie: config.CODER_SECURE_AUTH_COOKIE || config.CODER_ACCESS_URL.startsWith("https:"),
      passwordLogin: !config.CODER_DISABLE_PASSWORD_AUTH,
    }),
    ...createKeyHandlers(domain),
    ...createOrganizationHandlers(domain),
  };
}

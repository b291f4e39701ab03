import { isUuid } from "@fleet/base";
import type { Database } from "../database/client.js";
import type { Loaders } from "./objects.js";

const NIL = "00000000-0000-0000-0000-000000000000";

type Kind =
  | "oauth2_provider_app"
  | "oauth2_provider_app_secret"
  | "oauth2_provider_grant"
  | "oauth2_provider_settings";

/** Loaders for OAuth2 apps, and what users granted to them. */
export function createOAuth2Loaders(db: Database): Loaders<Kind> {
  return {
    async oauth2_provider_app({ id }) {
      const row = isUuid(id) ? await db.oAuth2ProviderApp.findUnique({ where: { id } }) : null;
      if (!row) return undefined;
      const { name, icon, scope, redirectUris, authMethod, registrationHash } = row;
      const fields = {
        name,
        icon,
        redirect_uris: redirectUris,
        scope,
        token_endpoint_auth_method: authMethod,
        registration_hash: registrationHash,
      };
      return { id, target: name, icon, fields };
    },
    async oauth2_provider_app_secret({ id }) {
      if (!isUuid(id)) return undefined;
      const where = { id };
      const row = await db.oAuth2ProviderAppSecret.findUnique({ where, include: { app: true } });
      if (!row) return undefined;
      return { id, target: row.app.name, icon: row.app.icon, fields: { hashed_secret: row.secretHash } };
    },
    /** One grant by its id, or all grants of a user (`within`) to the app with the id. */
    async oauth2_provider_grant({ id, within }) {
      if (!isUuid(id)) return undefined;
      const where = within ? { appId: id, userId: within } : { id };
      const rows = await db.oAuth2ProviderGrant.findMany({
        where,
        include: { app: true, user: { select: { username: true } } },
        orderBy: { createdAt: "asc" },
      });
      const [first] = rows;
      if (!first) return undefined;
      const scopes = [...new Set(rows.flatMap((row) => row.scopes))];
      return {
        id: first.appId,
        target: first.app.name,
        icon: first.app.icon,
        fields: { app: first.app.name, user: first.user.username, scopes },
      };
    },
    async oauth2_provider_settings() {
      const row = await db.siteConfig.findUnique({ where: { key: "oauth2_dynamic_registration" } });
      return {
        id: NIL,
        target: "",
        fields: { dynamic_client_registration_enabled: row?.value !== "false" },
      };
    },
  };
}

import { type Clock, FleetError, isUuid } from "@fleet/base";
import { canonicalScope, isScope } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { appNameProblem, normalizedAppName } from "./app-name.js";
import { redirectUriProblem } from "./redirect-uri.js";
import { splitScope } from "./scopes.js";
import { createSecret } from "./secrets.js";
import type { AppRow, OAuth2Store, SecretRow } from "./store.js";

/** Maximum secrets of an app: enough to replace one while several deployments of it still use the former. */
const SECRETS_PER_APP = 20;
/** How many characters of a secret stay visible. */
const HINT_LENGTH = 6;

export type AppChanges = {
  name?: string | undefined;
  icon?: string | undefined;
  callbackUrl?: string | undefined;
  redirectUris?: string[] | undefined;
  scope?: string | undefined;
};

/** The apps that administrators manage, and what a user has authorized. */
export type OAuth2Apps = {
  /** All apps, or those that the user has authorized. */
  list(actor: Actor, userId?: string): Promise<AppRow[]>;
  /** @throws not_found. */
  get(actor: Actor, id: string): Promise<AppRow>;
  /** Creates a confidential app. Its name and at least one redirect URI are required. */
  create(actor: Actor, app: AppChanges): Promise<AppRow>;
  /** Replaces name and icon; redirect URIs and scope only if given. */
  update(actor: Actor, id: string, changes: AppChanges): Promise<AppRow>;
  /** Deletes the app; its tokens and the streams opened with them end. */
  delete(actor: Actor, id: string): Promise<void>;
  listSecrets(actor: Actor, appId: string): Promise<SecretRow[]>;
  /** Creates a secret, whose text is not stored. @throws failed_precondition if the app has too many. */
  createSecret(actor: Actor, appId: string): Promise<{ id: string; secret: string }>;
  deleteSecret(actor: Actor, appId: string, id: string): Promise<void>;
  /** Revokes all that the user granted to the app. */
  revokeAll(actor: Actor, appId: string): Promise<void>;
};

export function createOAuth2Apps({ store, clock }: { store: OAuth2Store; clock: Clock }): OAuth2Apps {
  async function get(actor: Actor, id: string): Promise<AppRow> {
    authorizer.require(actor, "read", { type: "oauth2_app", id }, missing());
    const app = await store.findApp(id);
    if (!app) throw missing();
    return app;
  }

  return {
    get,

    async list(actor, userId) {
      if (userId === undefined) {
        authorizer.require(actor, "read", { type: "oauth2_app" }, forbidden("see OAuth2 apps"));
        return authorizer.filter(actor, "read", "oauth2_app", await store.listApps(), ({ id }) => ({ id }));
      }
      const granted = { type: "oauth2_app_code_token", ownerId: userId } as const;
      authorizer.require(actor, "read", granted, new FleetError("not_found", "User not found."));
      return store.listAuthorizedApps(userId, clock.now());
    },

    async create(actor, app) {
      authorizer.require(actor, "create", { type: "oauth2_app" }, forbidden("create OAuth2 apps"));
      return store.insertApp({
        name: checkedName(app.name ?? ""),
        icon: app.icon ?? "",
        redirectUris: redirectsOf(app) ?? refuse("redirect_uris", "At least one redirect URI is required."),
        scope: checkedScope(app.scope ?? ""),
        authMethod: "client_secret_basic",
      });
    },

    async update(actor, id, changes) {
      const app = await get(actor, id);
      authorizer.require(actor, "update", { type: "oauth2_app", id }, missing());
      const redirectUris = redirectsOf(changes);
      return store.updateApp(app.id, {
        ...(changes.name === undefined ? {} : { name: checkedName(changes.name) }),
        icon: changes.icon ?? "",
        ...(redirectUris ? { redirectUris } : {}),
        ...(changes.scope === undefined ? {} : { scope: checkedScope(changes.scope) }),
      });
    },

    async delete(actor, id) {
      const app = await get(actor, id);
      authorizer.require(actor, "delete", { type: "oauth2_app", id }, missing());
      await store.deleteApp(app.id);
    },

    async listSecrets(actor, appId) {
      const app = await get(actor, appId);
      authorizer.require(actor, "read", { type: "oauth2_app_secret" }, forbidden("see its secrets"));
      return store.listSecrets(app.id);
    },

    async createSecret(actor, appId) {
      const app = await get(actor, appId);
      authorizer.require(actor, "create", { type: "oauth2_app_secret" }, forbidden("create secrets for it"));
      if (app.authMethod === "none")
        throw new FleetError("failed_precondition", "A public client has no secrets.");
      if ((await store.listSecrets(app.id)).length >= SECRETS_PER_APP) {
        throw new FleetError(
          "failed_precondition",
          `An app can have at most ${SECRETS_PER_APP} secrets. Delete one first.`,
        );
      }
      const { text, hash } = createSecret("secret");
      return { id: await store.insertSecret(app.id, hash, hintOf(text)), secret: text };
    },

    async deleteSecret(actor, appId, id) {
      const app = await get(actor, appId);
      authorizer.require(actor, "delete", { type: "oauth2_app_secret" }, forbidden("delete its secrets"));
      if (!(await store.deleteSecret(app.id, id))) throw new FleetError("not_found", "Secret not found.");
    },

    async revokeAll(actor, appId) {
      const { userId } = requireUser(actor);
      const granted = { type: "oauth2_app_code_token", ownerId: userId } as const;
      authorizer.require(actor, "delete", granted, missing());
      if (!isUuid(appId) || !(await store.findApp(appId))) throw missing();
      await store.deleteGrants(userId, appId);
    },
  };
}

/** The characters of a secret by which it is recognized. */
export function hintOf(secret: string): string {
  return secret.slice(-HINT_LENGTH);
}

function checkedName(name: string): string {
  const normalized = normalizedAppName(name);
  const problem = appNameProblem(normalized);
  return problem ? refuse("name", problem) : normalized;
}

/** The redirect URIs of a request, from either of its fields; undefined if it has neither. */
function redirectsOf({ callbackUrl, redirectUris }: AppChanges): string[] | undefined {
  if (callbackUrl && redirectUris && redirectUris[0] !== callbackUrl)
    refuse("callback_url", "callback_url must equal the first of redirect_uris.");
  const uris = redirectUris ?? (callbackUrl ? [callbackUrl] : undefined);
  if (uris?.length === 0) refuse("redirect_uris", "At least one redirect URI is required.");
  const field = redirectUris ? "redirect_uris" : "callback_url";
  for (const uri of uris ?? []) {
    const problem = redirectUriProblem(uri);
    if (problem) refuse(field, problem);
  }
  return uris && [...new Set(uris)];
}

function checkedScope(text: string): string {
  const scopes = splitScope(text);
  const unknown = scopes.find((scope) => !isScope(scope));
  if (unknown !== undefined) refuse("scope", `"${unknown}" is not a valid scope.`);
  return scopes.map(canonicalScope).join(" ");
}

function refuse(field: string, detail: string): never {
  throw new FleetError("invalid_argument", detail, { validations: [{ field, detail }] });
}

function missing(): FleetError {
  return new FleetError("not_found", "OAuth2 app not found.");
}

function forbidden(what: string): FleetError {
  return new FleetError("permission_denied", `You do not have permission to ${what}.`);
}

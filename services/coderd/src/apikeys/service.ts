import { type Clock, FleetError } from "@fleet/base";
import {
  type AllowListEntry,
  allowListCovers,
  allowsEverything,
  canonicalScope,
  formatAllowListEntry,
  isScope,
  scopeAllows,
  scopeCovers,
} from "@fleet/rbac";
import type { Actor, UserActor } from "../auth/actor.js";
import { authorizer, isLimited, requireUser } from "../auth/authorizer.js";
import { hashToken, randomText } from "../auth/tokens.js";
import {
  type ApiKeyAuthentication,
  type AuthenticationSettings,
  createApiKeyAuthentication,
  maxLifetimeMs,
} from "./authentication.js";
import type { ApiKeyRow, ApiKeyStore, NewApiKey } from "./store.js";

/** API keys: dashboard sessions and user-created tokens. */
export type ApiKeys = ApiKeyAuthentication & {
  /** Creates a key and returns its token, `<id>-<secret>`. The secret is not stored and cannot be retrieved later. */
  issue(key: IssueKey): Promise<IssuedKey>;
  /**
   * Creates a session key for the user itself, as `coder login` requests. One created by a token expires with that
   * token.
   */
  createSession(actor: Actor, userId: string, ip: string): Promise<string>;
  /** Creates a key that only opens apps, for the cookie on an app's host. It expires with the actor's own key. */
  createAppSession(actor: UserActor, ip: string): Promise<string>;
  /** Claims the app session of an unused token. Throws `unauthenticated` if it was already used or has expired. */
  claimAppSession(token: string): Promise<UserActor>;
  /**
   * Creates a token and returns its text, which is shown only once. `lifetimeMs` is in milliseconds and defaults to the
   * deployment's default lifetime.
   * @throws already_exists if the user already has a token of this name.
   */
  createToken(actor: Actor, userId: string, request: NewToken): Promise<string>;
  /** @throws not_found if the key does not exist or the actor may not read it. */
  get(actor: Actor, userId: string, id: string): Promise<ApiKeyRow>;
  /** @throws not_found if the key does not exist or the actor may not read it. */
  getByName(actor: Actor, userId: string, name: string): Promise<ApiKeyRow>;
  /** The user's tokens, or all tokens that the actor may read; expired ones only if asked for. */
  listTokens(actor: Actor, userId: string | undefined, includeExpired: boolean): Promise<ApiKeyRow[]>;
  /** Where the user is signed in, last used first. @throws not_found if the actor may not read the user's keys. */
  listSessions(actor: Actor, userId: string): Promise<ApiKeyRow[]>;
  /** The longest lifetime of tokens of a user with these site roles. */
  maxLifetimeMs(roles: readonly string[]): number;
  /** Deletes the key and ends the streams opened with it. */
  delete(actor: Actor, userId: string, id: string): Promise<void>;
  /** Expires the key now, keeping its row visible. */
  expire(actor: Actor, userId: string, id: string): Promise<void>;
  /** Deletes the key without asking who wants it. */
  revoke(id: string): Promise<void>;
  /** Deletes the actor's own session. */
  logout(actor: Actor): Promise<void>;
  /** Ends all sessions and tokens of a user, after a password change or deletion. */
  revokeAll(userId: string, except?: string): Promise<void>;
  /** Ends all sessions of a suspended user; their tokens are rejected until the user is reactivated. */
  endSessions(userId: string): Promise<void>;
  /** Key lifetimes. */
  readonly settings: ApiKeySettings;
};

export type NewToken = {
  lifetimeMs?: number;
  scopes: string[];
  /** The only objects that the token reaches; empty for no limit. */
  allowList: AllowListEntry[];
  name: string;
  ip: string;
  /** The site roles of its user. */
  roles: readonly string[];
};

/** Lengths that clients expect: `<10>-<22>`. */
const ID_LENGTH = 10;
const SECRET_LENGTH = 22;

/** The key's id: the part before the secret. */
export function keyIdOf(token: string): string {
  return token.split("-", 1)[0]!;
}

export type ApiKeySettings = AuthenticationSettings & {
  sessionDurationMs: number;
  defaultTokenLifetimeMs: number;
};

/** The key to issue. `lifetimeMs` defaults to the session lifetime. */
/** A new key with its token, which cannot be retrieved later. */
export type IssuedKey = { token: string; id: string; expiresAt: Date };

export type IssueKey = {
  userId: string;
  loginType: NewApiKey["loginType"];
  lifetimeMs?: number;
  scopes?: string[];
  /** Defaults to the parent's. */
  allowList?: readonly AllowListEntry[];
  tokenName?: string;
  ip?: string;
  /** The parent key: the new key expires no later than it, and is deleted with it. */
  parent?: UserActor;
  /** The grant of an OAuth2 app for which the key is an access token; it is deleted with it. */
  oauth2GrantId?: string;
};

export function createApiKeys(options: {
  store: ApiKeyStore;
  clock: Clock;
  settings: ApiKeySettings;
}): ApiKeys {
  const { store, clock, settings } = options;
  const authentication = createApiKeyAuthentication(options);

  async function issue(key: IssueKey): Promise<IssuedKey> {
    const id = randomText(ID_LENGTH);
    const secret = randomText(SECRET_LENGTH);
    const lifetimeMs = key.lifetimeMs ?? settings.sessionDurationMs;
    const now = clock.now().getTime();
    const limitMs = key.parent?.expiresAt.getTime() ?? Number.POSITIVE_INFINITY;
    const expiresAt = new Date(Math.min(now + lifetimeMs, limitMs));
    await store.insert({
      id,
      userId: key.userId,
      secretHash: hashToken(secret),
      loginType: key.loginType,
      scopes: key.scopes ?? ["all"],
      allowList: (key.allowList ?? key.parent?.subject.allowList ?? []).map(formatAllowListEntry),
      tokenName: key.tokenName ?? "",
      lifetimeSeconds: Math.round((expiresAt.getTime() - now) / 1000),
      ipAddress: key.ip ?? "",
      expiresAt,
      parentId: key.parent?.apiKeyId ?? null,
      oauth2GrantId: key.oauth2GrantId ?? null,
    });
    return { token: `${id}-${secret}`, id, expiresAt };
  }

  function requireOwn(
    actor: Actor,
    action: "read" | "update" | "delete",
    key: ApiKeyRow | undefined,
  ): ApiKeyRow {
    const missing = new FleetError("not_found", "Key not found, or you do not have access to it.");
    if (!key) throw missing;
    authorizer.require(actor, action, { type: "api_key", ownerId: key.userId }, missing);
    return key;
  }

  return {
    issue,
    ...authentication,

    async createSession(actor, userId, ip) {
      requireMayCreate(actor, userId);
      requireWithin(actor, ["all"], undefined);
      const user = requireUser(actor);
      const { token } = await issue({
        userId,
        loginType: "password",
        lifetimeMs: settings.defaultTokenLifetimeMs,
        ip,
        ...(user.byToken || user.byApp ? { parent: user } : {}),
      });
      return token;
    },

    async createAppSession(actor, ip) {
      if (!scopeAllows(actor.subject.scope, "application_connect", "workspace")) {
        throw new FleetError(
          "permission_denied",
          `Your token is limited to ${actor.subject.scope?.join(", ")} and cannot open apps. Sign in with a password.`,
        );
      }
      const { token } = await issue({
        userId: actor.userId,
        loginType: "password",
        scopes: ["application_connect"],
        ip,
        parent: actor,
      });
      return token;
    },

    async claimAppSession(token) {
      const id = keyIdOf(token);
      if (!(await store.claim(id, clock.now()))) {
        throw new FleetError(
          "unauthenticated",
          "This app link has already been used or has expired. Open the app again.",
        );
      }
      return authentication.authenticate({ token, via: "query" });
    },

    async createToken(actor, userId, request) {
      requireMayCreate(actor, userId);
      const unknown = request.scopes.find((scope) => !isScope(scope));
      if (unknown !== undefined) {
        const detail = `"${unknown}" is not a valid scope. GET /api/v2/auth/scopes lists them.`;
        throw new FleetError("invalid_argument", detail, { validations: [{ field: "scopes", detail }] });
      }
      const scopes = [...new Set(request.scopes.map(canonicalScope))];
      const allowList = allowsEverything(request.allowList) ? [] : request.allowList;
      requireWithin(actor, scopes, allowList.length > 0 ? allowList : undefined);
      const maximumMs = maxLifetimeMs(settings, request.roles);
      const lifetimeMs = request.lifetimeMs ?? Math.min(settings.defaultTokenLifetimeMs, maximumMs);
      if (lifetimeMs <= 0 || lifetimeMs > maximumMs) {
        const detail = `The lifetime must be greater than zero and at most ${maximumMs / 3_600_000} hours.`;
        throw new FleetError("invalid_argument", detail, { validations: [{ field: "lifetime", detail }] });
      }
      const leftMs = requireUser(actor).expiresAt.getTime() - clock.now().getTime();
      if (isLimited(requireUser(actor)) && request.lifetimeMs && request.lifetimeMs > leftMs) {
        const detail =
          "Your token is limited, so tokens created with it cannot outlive it. Choose a shorter lifetime.";
        throw new FleetError("invalid_argument", detail, { validations: [{ field: "lifetime", detail }] });
      }
      const tokenName = request.name || randomText(8).toLowerCase();
      if (await store.findByName(userId, tokenName)) {
        const detail = `A token named "${tokenName}" already exists.`;
        throw new FleetError("already_exists", detail, { validations: [{ field: "token_name", detail }] });
      }
      return (
        await issue({
          userId,
          loginType: "token",
          lifetimeMs,
          scopes,
          allowList,
          tokenName,
          ip: request.ip,
          ...(isLimited(requireUser(actor)) ? { parent: requireUser(actor) } : {}),
        })
      ).token;
    },

    async get(actor, userId, id) {
      const key = await store.find(id);
      return requireOwn(actor, "read", key?.userId === userId ? key : undefined);
    },

    async getByName(actor, userId, name) {
      return requireOwn(actor, "read", await store.findByName(userId, name));
    },

    maxLifetimeMs: (roles) => maxLifetimeMs(settings, roles),

    async listTokens(actor, userId, includeExpired) {
      const reach = authorizer.reach(requireUser(actor), "read", "api_key");
      return store.listTokens(userId, includeExpired ? undefined : clock.now(), reach);
    },

    async listSessions(actor, userId) {
      const missing = new FleetError("not_found", "User not found, or you do not have access to their keys.");
      authorizer.require(actor, "read", { type: "api_key", ownerId: userId }, missing);
      return store.listSessions(userId, clock.now());
    },

    async delete(actor, userId, id) {
      const key = await store.find(id);
      requireOwn(actor, "delete", key?.userId === userId ? key : undefined);
      await store.delete(id);
    },

    async expire(actor, userId, id) {
      const key = await store.find(id);
      requireOwn(actor, "update", key?.userId === userId ? key : undefined);
      await store.expire(id, clock.now());
    },

    revoke: (id) => store.delete(id),

    logout: async (actor) => store.delete(requireUser(actor).apiKeyId),

    revokeAll: (userId, except) => store.deleteAll(userId, except),

    endSessions: (userId) => store.deleteSessions(userId),
    settings,
  };

  /** A key cannot create a key with more permissions than its own. */
  function requireWithin(
    actor: Actor,
    scopes: readonly string[],
    allowList: readonly AllowListEntry[] | undefined,
  ): void {
    const { scope, allowList: held } = requireUser(actor).subject;
    if (!allowListCovers(held, allowList)) {
      throw new FleetError(
        "permission_denied",
        `Your token only reaches ${held!.map(formatAllowListEntry).join(", ")} and cannot create tokens that reach more. Sign in with a password.`,
      );
    }
    if (scopeCovers(scope, scopes)) return;
    throw new FleetError(
      "permission_denied",
      `Your token is limited to ${scope?.join(", ")} and cannot create tokens with a wider scope. Sign in with a password.`,
    );
  }

  function requireMayCreate(actor: Actor, userId: string): void {
    const refused = new FleetError(
      "permission_denied",
      "You do not have permission to create keys for this user.",
    );
    authorizer.require(actor, "create", { type: "api_key", ownerId: userId }, refused);
  }
}

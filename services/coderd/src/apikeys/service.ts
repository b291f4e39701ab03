import { type Clock, FleetError } from "@fleet/base";
import { isScope, scopeAllows } from "@fleet/rbac";
import type { Actor, UserActor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { hashToken, randomText } from "../auth/tokens.js";
import {
  type ApiKeyAuthentication,
  type AuthenticationSettings,
  createApiKeyAuthentication,
} from "./authentication.js";
import type { ApiKeyRow, ApiKeyStore, NewApiKey } from "./store.js";

/** API keys: sessions of the dashboard, and the tokens that users make. */
export type ApiKeys = ApiKeyAuthentication & {
  /** Makes a key and returns its token, `<id>-<secret>`: the only time that the secret is known. */
  issue(key: IssueKey): Promise<IssuedKey>;
  /** A session key for the user itself, as `coder login` asks for one. One that a token makes ends with the token. */
  createSession(actor: Actor, userId: string, ip: string): Promise<string>;
  /** A key that opens apps and nothing else, for the cookie on an app's host. It ends with the actor's own. */
  createAppSession(actor: UserActor, ip: string): Promise<string>;
  /**
   * The app session behind a token that nobody has used yet. Throws `unauthenticated` for one that was, or has ended.
   */
  claimAppSession(token: string): Promise<UserActor>;
  /**
   * Makes a token, and gives its text, which is told here and never again. `lifetimeMs` in milliseconds; the
   * deployment's default where it is left out.
   * @throws already_exists where the user has a token of this name.
   */
  createToken(
    actor: Actor,
    userId: string,
    request: { lifetimeMs?: number; scopes: string[]; name: string; ip: string },
  ): Promise<string>;
  /** @throws not_found where there is none, or the actor may not read it. */
  get(actor: Actor, userId: string, id: string): Promise<ApiKeyRow>;
  /** @throws not_found where there is none, or the actor may not read it. */
  getByName(actor: Actor, userId: string, name: string): Promise<ApiKeyRow>;
  /** The user's tokens, or everybody's that the actor may read. */
  listTokens(actor: Actor, userId: string | undefined): Promise<ApiKeyRow[]>;
  /** Deletes the key: what is open by it ends. */
  delete(actor: Actor, userId: string, id: string): Promise<void>;
  /** Ends the key now, and keeps its row to be seen. */
  expire(actor: Actor, userId: string, id: string): Promise<void>;
  /** Deletes the session that the actor came with. */
  logout(actor: Actor): Promise<void>;
  /** Ends every session and token of a user: its password changed, or it was deleted. */
  revokeAll(userId: string, except?: string): Promise<void>;
  /** Ends every session of a user that is suspended; its tokens are refused until it is active again. */
  endSessions(userId: string): Promise<void>;
  /** How long keys last. */
  readonly settings: ApiKeySettings;
};

/** Sizes that clients know: `<10>-<22>`. */
const ID_LENGTH = 10;
const SECRET_LENGTH = 22;

/** A key's id: what stands before the secret. */
export function keyIdOf(token: string): string {
  return token.split("-", 1)[0]!;
}

export type ApiKeySettings = AuthenticationSettings & {
  sessionDurationMs: number;
  defaultTokenLifetimeMs: number;
};

/** What to issue. `lifetimeMs` defaults to a session's. */
/** A key, and its token: the only time that the secret is known. */
export type IssuedKey = { token: string; id: string; expiresAt: Date };

export type IssueKey = {
  userId: string;
  loginType: NewApiKey["loginType"];
  lifetimeMs?: number;
  scopes?: string[];
  tokenName?: string;
  ip?: string;
  /** The key that makes this one: this one ends no later, and with it. */
  parent?: UserActor;
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
      tokenName: key.tokenName ?? "",
      lifetimeSeconds: Math.round((expiresAt.getTime() - now) / 1000),
      ipAddress: key.ip ?? "",
      expiresAt,
      parentId: key.parent?.apiKeyId ?? null,
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
      requireWithin(actor, ["all"]);
      const user = requireUser(actor);
      const { token } = await issue({
        userId,
        loginType: "password",
        lifetimeMs: settings.defaultTokenLifetimeMs,
        ip,
        ...(user.byToken ? { parent: user } : {}),
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
      requireWithin(actor, request.scopes);
      const lifetimeMs = request.lifetimeMs ?? settings.defaultTokenLifetimeMs;
      if (lifetimeMs <= 0 || lifetimeMs > settings.maxTokenLifetimeMs) {
        const detail = `The lifetime must be greater than zero and at most ${settings.maxTokenLifetimeMs / 3_600_000} hours.`;
        throw new FleetError("invalid_argument", detail, { validations: [{ field: "lifetime", detail }] });
      }
      const leftMs = requireUser(actor).expiresAt.getTime() - clock.now().getTime();
      if (isLimited(actor) && request.lifetimeMs && request.lifetimeMs > leftMs) {
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
          scopes: request.scopes,
          tokenName,
          ip: request.ip,
          ...(isLimited(actor) ? { parent: requireUser(actor) } : {}),
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

    async listTokens(actor, userId) {
      const mayAll = authorizer.can(actor, "read", { type: "api_key" });
      const rows = await store.listTokens(userId ?? (mayAll ? undefined : requireUser(actor).userId));
      return rows.filter((row) => authorizer.can(actor, "read", { type: "api_key", ownerId: row.userId }));
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

    async logout(actor) {
      await store.delete(requireUser(actor).apiKeyId);
    },

    async revokeAll(userId, except) {
      await store.deleteAll(userId, except);
    },

    endSessions: (userId) => store.deleteSessions(userId),
    settings,
  };

  function isLimited(actor: Actor): boolean {
    const { scope } = requireUser(actor).subject;
    return scope !== undefined && !scope.includes("all");
  }

  /** A key makes no key that may do more than itself. */
  function requireWithin(actor: Actor, scopes: readonly string[]): void {
    const { scope } = requireUser(actor).subject;
    if (!scope || scope.includes("all") || scopes.every((wanted) => scope.includes(wanted))) return;
    throw new FleetError(
      "permission_denied",
      `Your token is limited to ${scope.join(", ")} and cannot create tokens with a wider scope. Sign in with a password.`,
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

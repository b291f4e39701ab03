import { type Clock, FleetError } from "@fleet/base";
import {
  type AllowListEntry,
  OWNER_WITHOUT_WORKSPACE_ACCESS,
  parseAllowListEntry,
  type Role,
} from "@fleet/rbac";
import type { FoundToken, UserActor } from "../auth/actor.js";
import { hashToken, sameHash } from "../auth/tokens.js";
import type { ApiKeyStore, Session, SessionUser } from "./store.js";

/** Only letters and digits; any other token is invalid. */
const TOKEN = /^([A-Za-z0-9]{1,64})-([A-Za-z0-9]{1,128})$/;
/** Minimum interval between writes of a key's last use and a session's expiry: one write a minute for a busy client. */
const TOUCH_INTERVAL_MS = 60_000;
/** The last moment that a Date can represent. */
const NEVER = new Date(8.64e15);

/** Authenticates API keys against their current state. */
export type ApiKeyAuthentication = {
  /**
   * The user this token belongs to. Throws `unauthenticated` if the token is unknown, wrong or expired, or the user is
   * suspended.
   */
  authenticate(found: FoundToken): Promise<UserActor>;
  /**
   * The current actor of a key that was authenticated before. Does not count as a use and does not extend the session.
   * Throws as `authenticate` does.
   */
  actorOfKey(id: string, via?: FoundToken["via"]): Promise<UserActor>;
  /**
   * A user who was authenticated without a key, as an actor that may do no more than these scopes permit. It has no key
   * and does not expire. @throws unauthenticated if the user is gone or suspended.
   */
  actorOfUser(userId: string, scopes: readonly string[]): Promise<UserActor>;
};

export type AuthenticationSettings = {
  /** Whether using a session extends it. */
  refreshSessions: boolean;
  maxTokenLifetimeMs: number;
  /** The same for the tokens of owners, if it is shorter. */
  maxAdminTokenLifetimeMs: number;
  /** Whether owners may access other users' workspaces. */
  ownerWorkspaceAccess: boolean;
  /** Whether workspaces can be shared. */
  workspaceSharing: boolean;
};

/** The longest lifetime of a token of a user with these site roles. */
export function maxLifetimeMs(
  settings: Pick<AuthenticationSettings, "maxTokenLifetimeMs" | "maxAdminTokenLifetimeMs">,
  roles: readonly string[],
): number {
  const { maxTokenLifetimeMs, maxAdminTokenLifetimeMs } = settings;
  return roles.includes("owner") ? Math.min(maxTokenLifetimeMs, maxAdminTokenLifetimeMs) : maxTokenLifetimeMs;
}

/** An entry that cannot be read, for example of a later release, names nothing. */
function toEntries(text: string): AllowListEntry[] {
  const entry = parseAllowListEntry(text);
  return entry ? [entry] : [];
}

export function createApiKeyAuthentication({
  store,
  clock,
  settings,
}: {
  store: ApiKeyStore;
  clock: Clock;
  settings: AuthenticationSettings;
}): ApiKeyAuthentication {
  function roleOf(name: string): string | Role {
    return name === "owner" && !settings.ownerWorkspaceAccess ? OWNER_WITHOUT_WORKSPACE_ACCESS : name;
  }

  async function authenticate(found: FoundToken): Promise<UserActor> {
    const [, id, secret] = TOKEN.exec(found.token) ?? [];
    const session = id && secret ? await store.findSession(id) : undefined;
    if (!session || !sameHash(hashToken(secret!), session.secretHash)) {
      throw new FleetError("unauthenticated", "The session is invalid. Sign in again.");
    }
    const now = clock.now();
    requireLive(session, now);
    if (now.getTime() - session.lastUsed.getTime() > TOUCH_INTERVAL_MS) {
      const expiresAt = isExtended(session)
        ? new Date(now.getTime() + session.lifetimeSeconds * 1000)
        : session.expiresAt;
      await store.touch(session, now, expiresAt);
    }
    return toActor(session, found.via);
  }

  /** Sessions are extended by use. Keys that end with something else are not, or they would outlive it. */
  function isExtended({ tokenName, parentId, oauth2GrantId, scopes }: Session): boolean {
    const ownEnd = parentId === null && oauth2GrantId === null;
    return settings.refreshSessions && tokenName === "" && ownEnd && scopes.includes("all");
  }

  /** When the session expires. A token issued under a higher maximum lifetime is capped to the current one. */
  function endOf({ tokenName, createdAt, expiresAt, roles }: Session): Date {
    if (tokenName === "") return expiresAt;
    const maximumMs = maxLifetimeMs(settings, roles);
    return new Date(Math.min(expiresAt.getTime(), createdAt.getTime() + maximumMs));
  }

  /** Throws if the session has expired or its user is suspended. */
  function requireLive(session: Session, now: Date): void {
    const end = endOf(session);
    if (end <= now) {
      throw new FleetError("unauthenticated", "Your session has expired. Sign in again.", {
        detail: `API key expired at ${end.toISOString()}.`,
      });
    }
    requireActive(session);
  }

  function requireActive({ status }: SessionUser): void {
    if (status !== "suspended") return;
    throw new FleetError(
      "unauthenticated",
      "Your account is suspended. Ask an administrator to reactivate it.",
    );
  }

  function toActor(session: Session, via: FoundToken["via"]): UserActor {
    return {
      kind: "user",
      ...userOf(session, session.scopes, session.allowList),
      apiKeyId: session.id,
      expiresAt: endOf(session),
      byToken: session.tokenName !== "",
      byApp: session.oauth2GrantId !== null,
      via,
    };
  }

  function userOf(user: SessionUser, scope: readonly string[], allowList: readonly string[]) {
    return {
      userId: user.userId,
      username: user.username,
      email: user.email,
      subject: {
        userId: user.userId,
        roles: user.roles.map(roleOf),
        orgRoles: user.orgRoles,
        groups: user.groups,
        scope: [...scope],
        workspaceSharing: settings.workspaceSharing,
        ...(allowList.length > 0 ? { allowList: allowList.flatMap(toEntries) } : {}),
      },
      organizationIds: Object.keys(user.orgRoles),
    };
  }

  async function actorOfUser(userId: string, scopes: readonly string[]): Promise<UserActor> {
    const user = await store.findUser(userId);
    if (!user) throw new FleetError("unauthenticated", "Your account does not exist any more.");
    requireActive(user);
    return {
      kind: "user",
      ...userOf(user, scopes, []),
      apiKeyId: "",
      expiresAt: NEVER,
      byToken: false,
      byApp: false,
      via: "header",
    };
  }

  async function actorOfKey(id: string, via: FoundToken["via"] = "header"): Promise<UserActor> {
    const session = await store.findSession(id);
    if (!session) throw new FleetError("unauthenticated", "Your session has expired. Sign in again.");
    requireLive(session, clock.now());
    return toActor(session, via);
  }

  return { authenticate, actorOfKey, actorOfUser };
}

import { type Clock, FleetError } from "@fleet/base";
import { OWNER_WITHOUT_WORKSPACE_ACCESS, type Role } from "@fleet/rbac";
import type { FoundToken, UserActor } from "../auth/actor.js";
import { hashToken, sameHash } from "../auth/tokens.js";
import type { ApiKeyStore, Session } from "./store.js";

/** Letters and digits alone: what else is sent as a token is nobody's. */
const TOKEN = /^([A-Za-z0-9]{1,64})-([A-Za-z0-9]{1,128})$/;
/** How often a key's last use, and a session's end, are written: a busy client costs one write a minute. */
const TOUCH_INTERVAL_MS = 60_000;

/** Who comes with which key, as it is now. */
export type ApiKeyAuthentication = {
  /**
   * The user whose token this is. Throws `unauthenticated` for one that is unknown, wrong, ended or of a suspended
   * user.
   */
  authenticate(found: FoundToken): Promise<UserActor>;
  /**
   * The actor of a key that has been shown before, as it is now; this is no use of the key, and extends nothing. Throws
   * as `authenticate` does.
   */
  actorOfKey(id: string, via?: FoundToken["via"]): Promise<UserActor>;
};

export type AuthenticationSettings = {
  /** A session that is used is extended. */
  refreshSessions: boolean;
  maxTokenLifetimeMs: number;
  /** Whether owners may enter other users' workspaces. */
  ownerWorkspaceAccess: boolean;
};

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

  /** A session lives on while it is used. What another key made does not, or it would outlive that key. */
  function isExtended({ tokenName, parentId, scopes }: Session): boolean {
    return settings.refreshSessions && tokenName === "" && parentId === null && scopes.includes("all");
  }

  /** When the session ends. A token that was made when they could last longer ends when the maximum says. */
  function endOf({ tokenName, createdAt, expiresAt }: Session): Date {
    if (tokenName === "") return expiresAt;
    return new Date(Math.min(expiresAt.getTime(), createdAt.getTime() + settings.maxTokenLifetimeMs));
  }

  /** Throws for a session that has ended, or whose user is suspended. */
  function requireLive(session: Session, now: Date): void {
    const end = endOf(session);
    if (end <= now) {
      throw new FleetError("unauthenticated", "Your session has expired. Sign in again.", {
        detail: `API key expired at ${end.toISOString()}.`,
      });
    }
    if (session.status === "suspended") {
      throw new FleetError(
        "unauthenticated",
        "Your account is suspended. Ask an administrator to reactivate it.",
      );
    }
  }

  function toActor(session: Session, via: FoundToken["via"]): UserActor {
    return {
      kind: "user",
      userId: session.userId,
      username: session.username,
      email: session.email,
      subject: {
        userId: session.userId,
        roles: session.roles.map(roleOf),
        orgRoles: session.orgRoles,
        groups: session.groups,
        scope: session.scopes,
      },
      organizationIds: Object.keys(session.orgRoles),
      apiKeyId: session.id,
      expiresAt: endOf(session),
      byToken: session.tokenName !== "",
      via,
    };
  }

  async function actorOfKey(id: string, via: FoundToken["via"] = "header"): Promise<UserActor> {
    const session = await store.findSession(id);
    if (!session) throw new FleetError("unauthenticated", "Your session has expired. Sign in again.");
    requireLive(session, clock.now());
    return toActor(session, via);
  }

  return { authenticate, actorOfKey };
}

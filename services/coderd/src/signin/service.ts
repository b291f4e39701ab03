import type { ApiKeys, IssuedKey } from "../apikeys/service.js";
import type { AuditedRequest } from "../audit/service.js";
import type { Sync } from "../idpsync/sync.js";
import { UserTaken } from "../users/errors.js";
import type { UserEvents } from "../users/events.js";
import type { UserRow, UserStore } from "../users/store.js";
import {
  AccountSuspended,
  EmailDiffers,
  EmailDomainNotAllowed,
  EmailNotVerified,
  LoginTypeMismatch,
  OtherAccountLinked,
  SignUpsDisabled,
} from "./errors.js";
import type { Claims, LinkStore, ProviderTokens, ProviderType } from "./links-store.js";
import { usernameFrom, withNumber } from "./username.js";

/** An account at a provider, as its sign-in proved it. Every text is valid and short enough to store. */
export type Identity = {
  loginType: ProviderType;
  /** See `Link`. */
  linkedId: string;
  email: string;
  emailVerified: boolean;
  /** What to derive a new user's name from. */
  username: string;
  name: string;
  avatarUrl: string;
  claims: Claims;
  tokens: ProviderTokens;
};

/** Whom a provider may sign in. */
export type Admission = {
  signUps: boolean;
  /** What to tell those who have no account, if sign-ups are disabled. */
  signUpsDisabledText?: string | undefined;
  /** Email domains; empty for all. */
  emailDomains: readonly string[];
};

export type SignedIn = { user: UserRow; session: IssuedKey; created: boolean };

/** Finds or creates the user of an account at a provider: the only way in without a password. */
export type SignIn = {
  /**
   * Signs in the user of this account: the one it belongs to, or the one with its verified email address, or a new one.
   * Call it in a unit of work.
   * @throws permission_denied, in a sentence for the user, if this account may not sign in.
   */
  complete(identity: Identity, admission: Admission, request: AuditedRequest): Promise<SignedIn>;
  /**
   * Changes a user with a password to this account, which must have the same verified email address. The password and
   * the sessions that it opened end. Call it in a unit of work.
   * @throws permission_denied, in a sentence for the user.
   */
  convert(
    userId: string,
    identity: Identity,
    admission: Admission,
    request: AuditedRequest,
  ): Promise<SignedIn>;
};

export type SignInOptions = {
  links: LinkStore;
  users: UserStore;
  apiKeys: ApiKeys;
  events: Pick<UserEvents, "created">;
  /** Gives the user the organizations, groups and roles that its claims name. */
  sync: Sync;
};

/** Names tried for a new user: the derived one, then the same with different numbers. */
const NAME_ATTEMPTS = 8;

export function createSignIn({ links, users, apiKeys, events, sync }: SignInOptions): SignIn {
  /** The user of the account, if there is one. */
  async function existing(identity: Identity): Promise<UserRow | undefined> {
    const linked = await links.userOf(identity.loginType, identity.linkedId);
    if (linked) {
      const user = await users.find(linked);
      if (user) return user;
    }
    const user = await users.findByEmail(identity.email);
    if (user && (await links.ofUser(user.id, identity.loginType)))
      throw new OtherAccountLinked(identity.loginType);
    return user ?? undefined;
  }

  async function create(identity: Identity): Promise<UserRow> {
    const user = {
      email: identity.email,
      name: identity.name,
      passwordHash: "",
      status: "active",
      loginType: identity.loginType,
    } as const;
    const base = usernameFrom(identity.username || identity.email);
    const first = await users.insertFirst({ ...user, username: base, roles: ["owner"] });
    if (first) return first;
    for (let attempt = 1; ; attempt++) {
      const username = attempt === 1 ? base : withNumber(base);
      try {
        return await users.insert({ ...user, username, roles: [], organizationIds: [] });
      } catch (error) {
        const taken = error instanceof UserTaken && error.field === "username";
        if (!taken || attempt === NAME_ATTEMPTS) throw error;
      }
    }
  }

  /** Takes over what the provider says about the user. An email address that another user has is not. */
  async function update(user: UserRow, identity: Identity): Promise<UserRow> {
    const other = await users.findByEmail(identity.email);
    return users.update(user.id, {
      ...(identity.name ? { name: identity.name } : {}),
      ...(identity.avatarUrl ? { avatarUrl: identity.avatarUrl } : {}),
      ...(other && other.id !== user.id ? {} : { email: identity.email }),
      ...(user.status === "dormant" ? { status: "active" } : {}),
    });
  }

  /** Links the user to the account, as it signs in with it. */
  async function enter(
    user: UserRow,
    identity: Identity,
    created: boolean,
    request: AuditedRequest,
  ): Promise<SignedIn> {
    const { loginType, linkedId, tokens, claims } = identity;
    const userId = user.id;
    await links.save({ userId, loginType, linkedId, tokens, claims });
    // Only OpenID Connect has claims to follow; others just join the default organization.
    if (loginType === "oidc") await sync({ userId, claims, isNew: created, request });
    else if (created) await sync({ userId, claims: {}, isNew: true, request });
    const session = await apiKeys.issue({ userId, loginType, ip: request.ip });
    return { user, session, created };
  }

  return {
    async complete(identity, admission, request) {
      const { loginType, linkedId } = identity;
      requireEmail(identity, admission);
      await links.lock(linkedId);
      const known = await existing(identity);
      if (known) requireAdmitted(known, loginType);
      else if (!admission.signUps) throw new SignUpsDisabled(loginType, admission.signUpsDisabledText);
      const user = await update(known ?? (await create(identity)), identity);
      if (!known) await events.created(user, undefined);
      return enter(user, identity, !known, request);
    },

    async convert(userId, identity, admission, request) {
      const { loginType, linkedId } = identity;
      requireEmail(identity, admission);
      await links.lock(linkedId);
      const user = await users.find(userId);
      if (!user || user.status === "suspended") throw new AccountSuspended();
      if (user.loginType !== "password") throw new LoginTypeMismatch(loginType, user.loginType);
      const owner = await links.userOf(loginType, linkedId);
      if (owner && owner !== userId) throw new OtherAccountLinked(loginType);
      if (identity.email.toLowerCase() !== user.email.toLowerCase())
        throw new EmailDiffers(identity.email, user.email);
      await users.update(userId, { loginType, passwordHash: "" });
      await apiKeys.endSessions(userId);
      return enter(await update(user, identity), identity, false, request);
    },
  };
}

function requireEmail({ email, emailVerified }: Identity, { emailDomains }: Admission): void {
  if (!emailVerified) throw new EmailNotVerified(email);
  const domain = email.slice(email.lastIndexOf("@") + 1).toLowerCase();
  const allowed = emailDomains.map((each) => each.replace(/^@/, "").toLowerCase());
  if (allowed.length > 0 && !allowed.includes(domain)) throw new EmailDomainNotAllowed(email, allowed);
}

function requireAdmitted(user: UserRow, loginType: ProviderType): void {
  if (user.status === "suspended") throw new AccountSuspended();
  if (user.loginType !== loginType || user.isSystem) throw new LoginTypeMismatch(loginType, user.loginType);
}

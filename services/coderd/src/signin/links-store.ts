import { FleetError } from "@fleet/base";
import { type Database, isUniqueViolation } from "../database/client.js";
import type { UserLink as LinkRow } from "../database/gen/client.js";
import { storable, toJson } from "../database/json.js";
import type { Place } from "../dbcrypt/columns.js";
import type { Dbcrypt } from "../dbcrypt/dbcrypt.js";

/** The ways to sign in at a provider. */
export type ProviderType = "oidc" | "github";

export type Claims = Record<string, unknown>;

/** What the provider issued. Empty strings for what it did not. */
export type ProviderTokens = {
  access: string;
  refresh: string;
  id: string;
  /** When the access token expires; null if it does not. */
  expiresAt: Date | null;
};

/** A user's account at a provider. */
export type Link = {
  userId: string;
  loginType: ProviderType;
  /** `<issuer>||<subject>` for oidc, the account's number for github. */
  linkedId: string;
  tokens: ProviderTokens;
  /** What the provider said about the user. */
  claims: Claims;
};

/** Accounts at providers by user. Their tokens are encrypted at rest. */
export type LinkStore = {
  /** Waits for other sign-ins with this account, until the end of the transaction. */
  lock(linkedId: string): Promise<void>;
  /** The user to whom this account belongs. */
  userOf(loginType: ProviderType, linkedId: string): Promise<string | undefined>;
  ofUser(userId: string, loginType: ProviderType): Promise<Link | undefined>;
  /** Stores the user's account of this type. @throws already_exists if it belongs to another user. */
  save(link: Link): Promise<void>;
  /**
   * Gives the caller the right to use the refresh token until then: most providers accept it only once. Undefined if
   * another replica has that right, or there is no refresh token.
   */
  claimRefresh(
    userId: string,
    loginType: ProviderType,
    lease: { now: Date; until: Date },
  ): Promise<Link | undefined>;
  /**
   * Users who were seen since then, whose access token expires before `expiring` and can be refreshed; the next to
   * expire first.
   */
  expiring(
    loginType: ProviderType,
    when: { seenSince: Date; expiring: Date; now: Date },
    limit: number,
  ): Promise<string[]>;
  /**
   * Forgets the tokens of an account whose provider refused them during this lease. False if the user has signed in
   * since then.
   */
  forgetTokens(link: Link, leasedUntil: Date): Promise<boolean>;
};

type Sealed = "accessToken" | "refreshToken" | "idToken";
/** Column names bind a value to its place. */
const PLACE: Record<Sealed, Place> = {
  accessToken: "user_links.access_token",
  refreshToken: "user_links.refresh_token",
  idToken: "user_links.id_token",
};
const NOTHING = new Uint8Array();

export function createLinkStore(db: Database, crypt: Dbcrypt): LinkStore {
  const seal = (text: string, column: Sealed) => crypt.seal(Buffer.from(storable(text)), PLACE[column]);
  const open = (row: LinkRow, column: Sealed) =>
    Buffer.from(crypt.open(row[column], PLACE[column])).toString("utf8");
  const key = (userId: string, loginType: ProviderType) => ({ userId_loginType: { userId, loginType } });

  function toLink(row: LinkRow): Link {
    return {
      userId: row.userId,
      loginType: row.loginType as ProviderType,
      linkedId: row.linkedId,
      tokens: {
        access: open(row, "accessToken"),
        refresh: open(row, "refreshToken"),
        id: open(row, "idToken"),
        expiresAt: row.expiresAt,
      },
      claims: row.claims as Claims,
    };
  }

  return {
    async lock(linkedId) {
      await db.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${linkedId}, 0))`;
    },

    async userOf(loginType, linkedId) {
      const row = await db.userLink.findUnique({
        where: { loginType_linkedId: { loginType, linkedId } },
        select: { userId: true },
      });
      return row?.userId;
    },

    async ofUser(userId, loginType) {
      const row = await db.userLink.findUnique({ where: key(userId, loginType) });
      return row ? toLink(row) : undefined;
    },

    async save({ userId, loginType, linkedId, tokens, claims }) {
      const data = {
        linkedId,
        accessToken: seal(tokens.access, "accessToken"),
        refreshToken: seal(tokens.refresh, "refreshToken"),
        idToken: seal(tokens.id, "idToken"),
        expiresAt: tokens.expiresAt,
        refreshingUntil: null,
        claims: JSON.parse(toJson(claims)),
      };
      await db.userLink
        .upsert({ where: key(userId, loginType), create: { userId, loginType, ...data }, update: data })
        .catch((error: unknown) => {
          if (!isUniqueViolation(error)) throw error;
          throw new FleetError("already_exists", "This account already belongs to another user.");
        });
    },

    async claimRefresh(userId, loginType, { now, until }) {
      const rows = await db.userLink.updateManyAndReturn({
        where: {
          userId,
          loginType,
          refreshToken: { not: NOTHING },
          OR: [{ refreshingUntil: null }, { refreshingUntil: { lt: now } }],
        },
        data: { refreshingUntil: until },
      });
      return rows[0] && toLink(rows[0]);
    },

    async expiring(loginType, { seenSince, expiring, now }, limit) {
      const rows = await db.userLink.findMany({
        where: {
          loginType,
          expiresAt: { lt: expiring },
          refreshToken: { not: NOTHING },
          OR: [{ refreshingUntil: null }, { refreshingUntil: { lt: now } }],
          user: { deleted: false, status: "active", lastSeenAt: { gt: seenSince } },
        },
        select: { userId: true },
        orderBy: { expiresAt: "asc" },
        take: limit,
      });
      return rows.map(({ userId }) => userId);
    },

    async forgetTokens({ userId, loginType }, leasedUntil) {
      const { count } = await db.userLink.updateMany({
        where: { userId, loginType, refreshingUntil: leasedUntil },
        data: {
          accessToken: NOTHING,
          refreshToken: NOTHING,
          idToken: NOTHING,
          expiresAt: null,
          refreshingUntil: null,
        },
      });
      return count > 0;
    },
  };
}

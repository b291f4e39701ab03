import type { Database, Transaction } from "../database/client.js";
import type { Dbcrypt } from "../dbcrypt/dbcrypt.js";

const PLACE = "external_auth_links.token";

/** What is stored of a grant, encrypted as a whole. */
export type StoredToken = { accessToken: string; refreshToken: string; extra: Record<string, unknown> };

export type Link = StoredToken & {
  providerId: string;
  userId: string;
  expiresAt: Date | null;
  /** Why the provider refuses to refresh the token; empty if it has not. */
  failure: string;
  createdAt: Date;
  /** Changes with each token, which it identifies. */
  updatedAt: Date;
};

export type NewToken = StoredToken & { expiresAt: Date | null };
type Key = { userId: string; providerId: string };

/** Stores users' links to providers. */
export type LinkStore = {
  find(key: Key): Promise<Link | undefined>;
  list(userId: string): Promise<Link[]>;
  /** Links the user, or replaces the link. */
  put(key: Key, token: NewToken, now: Date): Promise<void>;
  delete(key: Key): Promise<void>;
  /**
   * Claims the refresh of the token of `link` until a time. False if the token has changed, or somebody else refreshes it.
   */
  claimRefresh(link: Link, now: Date, until: Date): Promise<boolean>;
  /** Stores what the claimed refresh brought. False if the user has linked again or deleted the link meanwhile. */
  storeRefreshed(link: Link, token: NewToken, now: Date): Promise<boolean>;
  /** Ends a claimed refresh that brought nothing; `failure` if it never will. */
  endRefresh(link: Link, failure: string): Promise<void>;
  /** Of these providers, those that the user has no usable link to. */
  missing(
    on: Pick<Transaction, "$queryRaw">,
    userId: string,
    providerIds: readonly string[],
  ): Promise<string[]>;
};

export function createLinkStore(db: Database, crypt: Dbcrypt): LinkStore {
  type Row = NonNullable<Awaited<ReturnType<typeof db.externalAuthLink.findFirst>>>;

  function toLink({ token, refreshingUntil: _, ...row }: Row): Link {
    const opened = Buffer.from(crypt.open(token, PLACE)).toString("utf8");
    return { ...row, ...(JSON.parse(opened) as StoredToken) };
  }

  function columnsOf({ accessToken, refreshToken, extra, expiresAt }: NewToken) {
    const json = JSON.stringify({ accessToken, refreshToken, extra } satisfies StoredToken);
    const token = crypt.seal(Buffer.from(json), PLACE);
    return { token, expiresAt, failure: "", refreshingUntil: null };
  }

  const same = ({ userId, providerId, updatedAt }: Link) => ({ userId, providerId, updatedAt });

  return {
    async find({ userId, providerId }) {
      const where = { providerId_userId: { providerId, userId } };
      const row = await db.externalAuthLink.findUnique({ where });
      return row ? toLink(row) : undefined;
    },

    async list(userId) {
      const rows = await db.externalAuthLink.findMany({ where: { userId }, orderBy: { providerId: "asc" } });
      return rows.map(toLink);
    },

    async put(key, token, now) {
      const columns = { ...columnsOf(token), updatedAt: now };
      await db.externalAuthLink.upsert({
        where: { providerId_userId: key },
        create: { ...key, ...columns, createdAt: now },
        update: columns,
      });
    },

    async delete({ userId, providerId }) {
      await db.externalAuthLink.deleteMany({ where: { userId, providerId } });
    },

    async claimRefresh(link, now, until) {
      const { count } = await db.externalAuthLink.updateMany({
        where: {
          ...same(link),
          OR: [{ refreshingUntil: null }, { refreshingUntil: { lt: now } }],
        },
        data: { refreshingUntil: until },
      });
      return count > 0;
    },

    async storeRefreshed(link, token, now) {
      // Never the time of the token before: readers tell the two apart by it.
      const updatedAt = new Date(Math.max(now.getTime(), link.updatedAt.getTime() + 1));
      const { count } = await db.externalAuthLink.updateMany({
        where: same(link),
        data: { ...columnsOf(token), updatedAt },
      });
      return count > 0;
    },

    async endRefresh(link, failure) {
      await db.externalAuthLink.updateMany({
        where: same(link),
        data: { refreshingUntil: null, failure },
      });
    },

    async missing(on, userId, providerIds) {
      if (providerIds.length === 0) return [];
      const rows = await on.$queryRaw<{ id: string }[]>`
        SELECT id FROM unnest(${[...providerIds]}::text[]) AS id WHERE NOT EXISTS (
          SELECT 1 FROM external_auth_links l WHERE l.user_id = ${userId}::uuid AND l.provider_id = id
            AND octet_length(l.token) > 0 AND l.failure = '')`;
      return rows.map(({ id }) => id);
    },
  };
}

import type { Database } from "../database/client.js";
import type { Prisma } from "../database/gen/client.js";
import { sameText } from "../database/text.js";
import { NOT_EVERYONE, VISIBLE } from "./predicates.js";

const select = {
  id: true,
  username: true,
  email: true,
  name: true,
  status: true,
  loginType: true,
  roles: true,
  createdAt: true,
  updatedAt: true,
  scimUserName: true,
  scimExternalId: true,
  scimAttributes: true,
  scimDeletedAt: true,
  groupMemberships: {
    where: { group: { organization: { isDefault: true, deleted: false } } },
    select: { group: { select: { id: true, name: true, displayName: true } } },
    orderBy: { groupId: "asc" },
  },
} satisfies Prisma.UserSelect;

/** A user as SCIM sees it, with its groups of the default organization. */
export type UserRecord = Prisma.UserGetPayload<{ select: typeof select }>;

/** Attributes by which a query can be narrowed to a few rows before its filter is evaluated. */
const CONDITIONS = {
  id: (value) => ({ id: value }),
  userName: (value) => ({
    OR: [{ scimUserName: sameText(value) }, { scimUserName: null, email: sameText(value) }],
  }),
  externalId: (value) => ({ scimExternalId: value }),
} satisfies Record<string, (value: string) => Prisma.UserWhereInput>;

export type UserNarrowing = { attribute: keyof typeof CONDITIONS; value: string };
export const USER_NARROWINGS = Object.keys(CONDITIONS) as UserNarrowing["attribute"][];

export type Page = { limit: number; offset: number };

export type ScimUserStore = {
  /** Until the end of the transaction, other changes by SCIM wait: what is unique is checked before it is written. */
  lock(): Promise<void>;
  count(): Promise<number>;
  page(page: Page): Promise<UserRecord[]>;
  /** At most `limit` users after this one, in the order of pages. */
  after(id: string | undefined, limit: number, narrowing?: UserNarrowing): Promise<UserRecord[]>;
  /** Null if it does not exist or is hidden. */
  find(id: string): Promise<UserRecord | null>;
  /** As `find`. Until the end of the transaction, other changes of the user wait. */
  findLocked(id: string): Promise<UserRecord | null>;
  /** Users, hidden ones too, who already have this SCIM user name or email address. */
  namesakes(userName: string, email: string): Promise<UserRecord[]>;
  /** @throws not_found if there is no such user. */
  update(id: string, data: Prisma.UserUpdateInput): Promise<UserRecord>;
  /** Removes the user from the groups of the default organization. */
  leaveGroups(userId: string): Promise<void>;
};

export function createScimUserStore(db: Database): ScimUserStore {
  const find = (id: string) => db.user.findFirst({ where: { AND: [VISIBLE, { id }] }, select });
  const orderBy = { id: "asc" } as const;
  return {
    async lock() {
      await db.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('scim'))`;
    },
    count: () => db.user.count({ where: VISIBLE }),
    page: ({ limit, offset }) =>
      db.user.findMany({ where: VISIBLE, select, orderBy, take: limit, skip: offset }),
    after: (id, limit, narrowing) =>
      db.user.findMany({
        where: {
          AND: [
            VISIBLE,
            id ? { id: { gt: id } } : {},
            narrowing ? CONDITIONS[narrowing.attribute](narrowing.value) : {},
          ],
        },
        select,
        orderBy,
        take: limit,
      }),
    find,
    async findLocked(id) {
      await db.$executeRaw`SELECT 1 FROM users WHERE id = ${id}::uuid FOR NO KEY UPDATE`;
      return find(id);
    },
    namesakes: (userName, email) =>
      db.user.findMany({
        where: {
          deleted: false,
          OR: [
            { scimUserName: sameText(userName) },
            { scimUserName: null, email: sameText(userName) },
            { email: sameText(email) },
          ],
        },
        select,
      }),
    update: (id, data) => db.user.update({ where: { id }, data, select }),
    async leaveGroups(userId) {
      const organization = { isDefault: true, deleted: false };
      await db.groupMember.deleteMany({ where: { userId, group: { ...NOT_EVERYONE(db), organization } } });
    },
  };
}

import type { Database } from "../database/client.js";
import type { InboxNotification, Prisma } from "../database/gen/client.js";

export type InboxRow = InboxNotification;
export type NewNotification = {
  userId: string;
  templateId: string;
  title: string;
  content: string;
  icon: string;
  /** Ids of what it is about. */
  targets?: string[];
};
export type InboxFilter = {
  targets?: string[] | undefined;
  kinds?: string[] | undefined;
  read?: boolean | undefined;
  /** Those that came before this one, latest first. */
  before?: string | undefined;
  /** Those that came after this one, oldest first. */
  after?: { createdAt: Date; id: string } | undefined;
};

/** The rows of users' inboxes. */
export type InboxStore = {
  /** Adds a notification that is not read. */
  insert(data: NewNotification): Promise<void>;
  /** Latest first. */
  list(userId: string, filter: InboxFilter, take: number): Promise<InboxRow[]>;
  /** What a watcher has seen already: everything that is there. */
  latest(userId: string): Promise<{ createdAt: Date; id: string }>;
  /** Of the user. */
  countUnread(userId: string): Promise<number>;
  /** Null where the user has no such notification. A date of null: it is not read. */
  setRead(userId: string, id: string, readAt: Date | null): Promise<InboxRow | null>;
  /** Of the user. */
  setAllRead(userId: string, readAt: Date): Promise<void>;
};

export function createInboxStore(db: Database): InboxStore {
  const latestFirst: Prisma.InboxNotificationOrderByWithRelationInput[] = [
    { createdAt: "desc" },
    { id: "desc" },
  ];
  const oldestFirst: Prisma.InboxNotificationOrderByWithRelationInput[] = [
    { createdAt: "asc" },
    { id: "asc" },
  ];
  return {
    async insert(data) {
      await db.inboxNotification.create({ data, select: { id: true } });
    },

    async list(userId, filter, take) {
      const before = filter.before
        ? await db.inboxNotification.findFirst({
            where: { id: filter.before, userId },
            select: { createdAt: true },
          })
        : undefined;
      const { after } = filter;
      return db.inboxNotification.findMany({
        where: {
          userId,
          ...(filter.targets ? { targets: { hasEvery: filter.targets } } : {}),
          ...(filter.kinds ? { templateId: { in: filter.kinds } } : {}),
          ...(filter.read === undefined ? {} : { readAt: filter.read ? { not: null } : null }),
          ...(before ? { createdAt: { lt: before.createdAt } } : {}),
          ...(after
            ? {
                OR: [
                  { createdAt: { gt: after.createdAt } },
                  { createdAt: after.createdAt, id: { gt: after.id } },
                ],
              }
            : {}),
        },
        orderBy: after ? oldestFirst : latestFirst,
        take,
      });
    },

    async latest(userId) {
      const row = await db.inboxNotification.findFirst({ where: { userId }, orderBy: latestFirst });
      return row ?? { createdAt: new Date(0), id: "00000000-0000-0000-0000-000000000000" };
    },

    countUnread: (userId) => db.inboxNotification.count({ where: { userId, readAt: null } }),

    async setRead(userId, id, readAt) {
      await db.inboxNotification.updateMany({ where: { id, userId }, data: { readAt } });
      return db.inboxNotification.findFirst({ where: { id, userId } });
    },

    async setAllRead(userId, readAt) {
      await db.inboxNotification.updateMany({ where: { userId, readAt: null }, data: { readAt } });
    },
  };
}

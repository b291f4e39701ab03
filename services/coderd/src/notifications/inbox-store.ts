import type { Database } from "../database/client.js";
import type { InboxNotification, Prisma } from "../database/gen/client.js";

export type InboxRow = InboxNotification;
export type NewNotification = {
  id: string;
  userId: string;
  templateId: string;
  title: string;
  content: string;
  icon: string;
  /** Ids of the resources it is about. */
  targets: string[];
  actions: { label: string; url: string }[];
};
export type InboxFilter = {
  targets?: string[] | undefined;
  kinds?: string[] | undefined;
  read?: boolean | undefined;
  /** Notifications older than this one, newest first. */
  before?: string | undefined;
  /** Notifications newer than this one, oldest first. */
  after?: { createdAt: Date; id: string } | undefined;
};

/** Storage of users' inboxes. */
export type InboxStore = {
  /** Adds an unread notification, unless one with its id exists. */
  insert(data: NewNotification): Promise<void>;
  /** Newest first. */
  list(userId: string, filter: InboxFilter, take: number): Promise<InboxRow[]>;
  /** The newest existing notification: a new watcher starts after it. */
  latest(userId: string): Promise<{ createdAt: Date; id: string }>;
  /** The user's unread count. */
  countUnread(userId: string): Promise<number>;
  /** Returns null if the user has no such notification. A null date marks it as unread. */
  setRead(userId: string, id: string, readAt: Date | null): Promise<InboxRow | null>;
  /** Marks all of the user's notifications as read. */
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
      await db.inboxNotification.createMany({ data: [data], skipDuplicates: true });
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

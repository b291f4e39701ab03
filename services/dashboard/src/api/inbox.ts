import type { InboxResponse, InboxUpdate } from "@fleet/sdk";
import { infiniteQueryOptions, type QueryClient } from "@tanstack/react-query";
import { client } from "./client.js";

export const inboxKey = ["inbox"];

/** The server's page size. */
const PAGE_SIZE = 25;

/** The user's notifications, newest first, by pages. */
export const inboxQuery = infiniteQueryOptions({
  queryKey: inboxKey,
  initialPageParam: undefined as string | undefined,
  queryFn: ({ pageParam, signal }) =>
    client.inboxList({ query: pageParam ? { starting_before: pageParam } : {}, signal }),
  getNextPageParam: ({ notifications }) =>
    notifications.length < PAGE_SIZE ? undefined : notifications.at(-1)?.id,
  staleTime: Number.POSITIVE_INFINITY,
});

type Pages = { pages: InboxResponse[]; pageParams: (string | undefined)[] };

/** Stores what the inbox's stream or a write has told. */
export function putNotification(queries: QueryClient, update: InboxUpdate): void {
  const { notification, unread_count } = update;
  queries.setQueryData<Pages>(inboxKey, (held) => {
    if (!held) return held;
    const known = held.pages.some(({ notifications }) =>
      notifications.some(({ id }) => id === notification.id),
    );
    const pages = held.pages.map((page, index) => ({
      unread_count,
      notifications: [
        ...(known || index > 0 ? [] : [notification]),
        ...page.notifications.map((one) => (one.id === notification.id ? notification : one)),
      ],
    }));
    return { ...held, pages };
  });
}

export async function markRead(queries: QueryClient, notification: string, is_read: boolean): Promise<void> {
  putNotification(
    queries,
    await client.inboxReadStatusUpdate({ params: { notification }, body: { is_read } }),
  );
}

export async function markAllRead(queries: QueryClient): Promise<void> {
  await client.inboxMarkAllRead();
  await queries.invalidateQueries({ queryKey: inboxKey });
}

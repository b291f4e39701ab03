import { waitFor } from "@fleet/testkit";
import { createTestCoderd } from "../testing/coderd.js";

test("a notification reaches watchers, is listed, and is marked as read", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const { client } = owner;
  await client.notificationTest();
  const abort = new AbortController();
  const watching = client.inboxWatch({ signal: abort.signal })[Symbol.asyncIterator]();
  const next = watching.next();
  // The watch only shows notifications sent after it started: send until one arrives.
  let sent = 0;
  let arrived = false;
  void next.then(() => {
    arrived = true;
  });
  await waitFor(
    async () => {
      if (arrived) return true;
      await client.notificationTest();
      sent++;
      return arrived;
    },
    { what: "a notification on the stream" },
  );
  const first = await next;
  expect(first.value).toMatchObject({ notification: { title: "Test notification", read_at: null } });
  abort.abort();

  const { notifications } = await waitFor(
    async () => {
      const inbox = await client.inboxList();
      return inbox.unread_count === sent + 1 ? inbox : undefined;
    },
    { what: "all notifications" },
  );
  const [latest] = notifications;
  const read = await client.inboxReadStatusUpdate({
    params: { notification: latest!.id },
    body: { is_read: true },
  });
  expect(read).toMatchObject({ unread_count: sent, notification: { id: latest!.id } });
  const unread = await client.inboxList({ query: { read_status: "unread" } });
  expect(unread.notifications.map(({ id }) => id)).not.toContain(latest!.id);
  const earlier = await client.inboxList({ query: { starting_before: latest!.id } });
  expect(earlier.notifications.map(({ id }) => id)).not.toContain(latest!.id);
  await client.inboxMarkAllRead();
  expect((await client.inboxList()).unread_count).toBe(0);
  await expect(client.inboxList({ query: { targets: ["x"] } })).rejects.toMatchObject({
    code: "invalid_argument",
  });
});

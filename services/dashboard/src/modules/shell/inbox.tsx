import type { InboxNotification } from "@fleet/sdk";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import clsx from "clsx";
import { Bell, CheckCheck } from "lucide-react";
import { Popover } from "radix-ui";
import { lazy, Suspense, useState } from "react";
import { Link } from "react-router";
import { inboxQuery, markAllRead, markRead } from "../../api/inbox.js";
import { Ago } from "../format/time.js";
import { Button } from "../ui/button.js";
import { ErrorNotice } from "../ui/notice.js";
import { useAct } from "../ui/toast.js";

const InlineMarkdown = lazy(async () => ({
  default: (await import("../markdown/markdown.js")).InlineMarkdown,
}));

/** The bell shows how many notifications are unread; its panel, the latest ones. */
export function InboxBell() {
  const queries = useQueryClient();
  const inbox = useInfiniteQuery(inboxQuery);
  const [open, setOpen] = useState(false);
  const act = useAct();
  const unread = inbox.data?.pages[0]?.unread_count ?? 0;
  const label = unread > 0 ? `Notifications, ${unread} unread` : "Notifications";
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger asChild>
        <Button look="ghost" aria-label={label} title={label} className="relative w-8 px-0!">
          <Bell aria-hidden />
          {unread > 0 && (
            <span
              aria-hidden
              className="absolute top-0 right-0 min-w-4 rounded-full bg-ink px-1 text-center text-[0.6875rem] text-canvas leading-4"
            >
              {unread > 99 ? "99+" : unread}
            </span>
          )}
        </Button>
      </Popover.Trigger>
      <Popover.Portal container={document.getElementById("main")}>
        <Popover.Content
          side="top"
          align="start"
          sideOffset={8}
          collisionPadding={8}
          aria-label="Notifications"
          className="z-40 flex max-h-[min(32rem,80vh)] w-[min(24rem,calc(100vw-1rem))] animate-appear flex-col rounded-xl border border-line bg-raised shadow-float outline-none"
        >
          <header className="flex items-center justify-between border-line border-b py-1.5 pr-2 pl-4">
            <h2 className="text-base">Notifications</h2>
            <Button
              size="sm"
              look="ghost"
              disabled={unread === 0}
              icon={<CheckCheck aria-hidden />}
              onClick={() => act(() => markAllRead(queries))}
            >
              Mark all as read
            </Button>
          </header>
          <div className="overflow-y-auto">
            <InboxList onFollow={() => setOpen(false)} />
          </div>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

/** The notifications, and the earlier ones on demand. */
export function InboxList({ onFollow = () => {} }: { onFollow?: () => void }) {
  const inbox = useInfiniteQuery(inboxQuery);
  const list = inbox.data?.pages.flatMap(({ notifications }) => notifications) ?? [];
  if (inbox.error && list.length === 0)
    return (
      <div className="p-3">
        <ErrorNotice error={inbox.error} onRetry={() => void inbox.refetch()} />
      </div>
    );
  if (inbox.data && list.length === 0)
    return <p className="px-4 py-10 text-center text-muted">No notifications</p>;
  return (
    <>
      <ul className="divide-y divide-line">
        {list.map((notification) => (
          <Entry key={notification.id} notification={notification} onFollow={onFollow} />
        ))}
      </ul>
      {inbox.hasNextPage && (
        <div className="flex justify-center border-line border-t py-2">
          <Button
            size="sm"
            look="ghost"
            pending={inbox.isFetchingNextPage}
            onClick={() => void inbox.fetchNextPage()}
          >
            Show more
          </Button>
        </div>
      )}
    </>
  );
}

function Entry({ notification, onFollow }: { notification: InboxNotification; onFollow(): void }) {
  const queries = useQueryClient();
  const act = useAct();
  const { id, title, content, actions, created_at, read_at } = notification;
  const isUnread = read_at === null;
  return (
    <li className="flex gap-3 px-4 py-3">
      <button
        type="button"
        aria-label={isUnread ? `Mark "${title}" as read` : `Mark "${title}" as unread`}
        title={isUnread ? "Mark as read" : "Mark as unread"}
        onClick={() => act(() => markRead(queries, id, isUnread))}
        className="mt-0.5 flex size-4 shrink-0 items-center justify-center rounded-full"
      >
        <span
          className={clsx(
            "size-2 rounded-full",
            isUnread ? "bg-ink" : "border border-line-strong bg-transparent",
          )}
        />
      </button>
      <div className="min-w-0 flex-1">
        <p className={clsx("[overflow-wrap:anywhere]", isUnread && "font-medium")}>{title}</p>
        <p className="text-muted text-sm [overflow-wrap:anywhere]">
          <Suspense fallback={content}>
            <InlineMarkdown text={content} />
          </Suspense>
        </p>
        <p className="mt-1 flex flex-wrap gap-x-3 text-faint text-sm">
          <Ago time={created_at} />
          {actions.map((action) => (
            <ActionLink
              key={action.url}
              {...action}
              onFollow={() => {
                if (isUnread) act(() => markRead(queries, id, true));
                onFollow();
              }}
            />
          ))}
        </p>
      </div>
    </li>
  );
}

function ActionLink({ label, url, onFollow }: { label: string; url: string; onFollow(): void }) {
  const target = URL.canParse(url, location.origin) ? new URL(url, location.origin) : undefined;
  if (!target || !/^https?:$/.test(target.protocol)) return null;
  const classes = "rounded text-accent hover:underline";
  if (target.origin === location.origin)
    return (
      <Link to={`${target.pathname}${target.search}`} onClick={onFollow} className={classes}>
        {label}
      </Link>
    );
  return (
    <a href={target.href} target="_blank" rel="noreferrer" onClick={onFollow} className={classes}>
      {label}
    </a>
  );
}

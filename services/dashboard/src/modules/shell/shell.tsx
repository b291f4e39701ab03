import { useQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { Link, Outlet, useLocation, useNavigationType } from "react-router";
import { pulse } from "../../api/client.js";
import { useReach } from "../../api/pulse.js";
import { appearanceQuery } from "../../api/session.js";
import { IconButton } from "../ui/button.js";
import { Notice } from "../ui/notice.js";
import { Skeleton } from "../ui/page.js";
import { useIsWide } from "../ui/width.js";
import { Announcements } from "./announcements.js";
import { ConnectionBanner } from "./connection-banner.js";
import { CrashGuard } from "./crash-guard.js";
import { InboxBell } from "./inbox.js";
import { Mark } from "./mark.js";
import { Progress, ProgressLine } from "./progress.js";
import { BottomBar, RailLinks } from "./rail.js";
import { useShortcuts } from "./shortcuts.js";
import { UserMenu } from "./user-menu.js";

// Loaded when they are first opened.
const Palette = lazy(async () => ({ default: (await import("./palette.js")).Palette }));
const ShortcutSheet = lazy(async () => ({ default: (await import("./shortcut-sheet.js")).ShortcutSheet }));

/** The frame of the app: the rail on the left, or bars at the top and bottom of a phone, and the page. */
export function Shell() {
  const { pathname } = useLocation();
  const navigation = useNavigationType();
  const [opened, setOpened] = useState<"palette" | "shortcuts">();
  useShortcuts({ onPalette: () => setOpened("palette"), onSheet: () => setOpened("shortcuts") });
  // A new page starts at the top; going back restores the scroll position.
  useEffect(() => {
    if (navigation === "PUSH" && pathname) window.scrollTo(0, 0);
  }, [pathname, navigation]);
  const tools = (
    <>
      <IconButton label="Search and commands" onClick={() => setOpened("palette")}>
        <Search aria-hidden />
      </IconButton>
      <InboxBell />
      <UserMenu onShortcuts={() => setOpened("shortcuts")} />
    </>
  );
  return (
    <div className="min-h-dvh md:pl-14 xl:pl-52">
      <a
        href="#main"
        className="absolute top-2 left-2 z-50 -translate-y-16 rounded-md bg-accent px-3 py-1.5 text-on-accent focus:translate-y-0"
      >
        Skip to content
      </a>
      <Progress />
      {useIsWide("md") ? <Rail>{tools}</Rail> : <PhoneBars>{tools}</PhoneBars>}
      <Announcements />
      <ConnectionBanner />
      <main
        id="main"
        className="w-full max-w-360 px-4 pt-6 pb-24 has-data-fluid:max-w-none sm:px-6 sm:pt-8 md:pb-10"
      >
        <CrashGuard path={pathname}>
          <Suspense fallback={<PageSkeleton />}>
            <Outlet />
          </Suspense>
        </CrashGuard>
      </main>
      <Suspense>
        {opened === "palette" && (
          <Palette onClose={() => setOpened(undefined)} onShortcuts={() => setOpened("shortcuts")} />
        )}
        {opened === "shortcuts" && <ShortcutSheet onClose={() => setOpened(undefined)} />}
      </Suspense>
    </div>
  );
}

function Rail({ children }: { children: ReactNode }) {
  return (
    <aside
      aria-label="Navigation"
      className="fixed inset-y-0 left-0 z-30 flex w-14 flex-col gap-4 border-line border-r bg-canvas px-2 py-4 xl:w-52"
    >
      <Brand />
      <RailLinks />
      <div className="flex-1" />
      <div className="flex flex-col items-center gap-2 xl:flex-row xl:px-1">{children}</div>
    </aside>
  );
}

function PhoneBars({ children }: { children: ReactNode }) {
  return (
    <>
      <header className="sticky top-0 z-30 flex h-12 items-center gap-1 border-line border-b bg-canvas px-4">
        <Brand />
        <div className="flex-1" />
        {children}
      </header>
      <BottomBar />
    </>
  );
}

function Brand() {
  const { application_name, logo_url } = useQuery(appearanceQuery).data ?? {};
  return (
    <Link
      to="/workspaces"
      className="flex h-8 items-center gap-2.5 rounded-md font-semibold text-base tracking-tight md:max-xl:justify-center xl:px-1"
    >
      {logo_url ? <img src={logo_url} alt="" className="h-6 max-w-32 object-contain" /> : <Mark />}
      <span className="truncate md:max-xl:sr-only">{application_name || "Fleet"}</span>
    </Link>
  );
}

function PageSkeleton() {
  const reach = useReach(pulse);
  if (reach !== "ok")
    return (
      <Notice title="This page could not be loaded">
        It loads automatically when the server can be reached.
      </Notice>
    );
  return (
    <div role="status" aria-label="Loading" className="flex flex-col gap-5">
      <ProgressLine />
      <Skeleton className="h-8 w-56" />
      <Skeleton className="h-64 w-full" />
    </div>
  );
}

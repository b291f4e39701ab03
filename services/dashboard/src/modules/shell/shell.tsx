import { useQuery } from "@tanstack/react-query";
import clsx from "clsx";
import {
  BookOpen,
  Bug,
  ExternalLink,
  KeyRound,
  LogOut,
  Menu as MenuIcon,
  MessageCircle,
  Settings,
  UserCog,
} from "lucide-react";
import { Suspense, useEffect } from "react";
import { Link, Outlet, useLocation, useNavigationType } from "react-router";
import { pulse } from "../../api/client.js";
import { useReach } from "../../api/pulse.js";
import { appearanceQuery, buildInfoQuery, type Permissions } from "../../api/session.js";
import { usePermissions, useSignOut, useUser } from "../session/session.js";
import { ThemeMenuItems } from "../theme/theme.js";
import { Avatar } from "../ui/avatar.js";
import { IconButton } from "../ui/button.js";
import { Menu, MenuItem, MenuLine } from "../ui/menu.js";
import { Notice } from "../ui/notice.js";
import { Skeleton } from "../ui/page.js";
import { Announcements } from "./announcements.js";
import { ConnectionBanner } from "./connection-banner.js";
import { CrashGuard } from "./crash-guard.js";
import { Mark } from "./mark.js";

const LINKS: { to: string; label: string; needs?: keyof Permissions }[] = [
  { to: "/workspaces", label: "Workspaces" },
  { to: "/templates", label: "Templates" },
  { to: "/users", label: "Users", needs: "readUsers" },
  { to: "/deployment/provisioners", label: "Provisioners", needs: "readProvisioners" },
  { to: "/deployment/health", label: "Health", needs: "readHealth" },
];

/** Whether the page at this path belongs to the link; a workspace's own pages belong to the list. */
function isShown(to: string, pathname: string): boolean {
  return (
    pathname === to || pathname.startsWith(`${to}/`) || (to === "/workspaces" && pathname.startsWith("/@"))
  );
}

/** The bar at the top and the page below it. */
export function Shell() {
  const permissions = usePermissions();
  const links = LINKS.filter(({ needs }) => !needs || permissions[needs]);
  const { pathname } = useLocation();
  const navigation = useNavigationType();
  // A new page starts at the top; going back restores the scroll position.
  useEffect(() => {
    if (navigation === "PUSH" && pathname) window.scrollTo(0, 0);
  }, [pathname, navigation]);
  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#main"
        className="absolute top-2 left-2 z-50 -translate-y-16 rounded-md bg-accent px-3 py-1.5 text-on-accent focus:translate-y-0"
      >
        Skip to content
      </a>
      <header className="sticky top-0 z-30 border-line border-b bg-canvas/90 backdrop-blur-sm">
        <div className="mx-auto flex h-13 max-w-6xl items-center gap-2 px-4 sm:gap-6 sm:px-6">
          <Link
            to="/workspaces"
            className="flex items-center gap-2.5 rounded-md font-semibold text-lg tracking-tight"
          >
            <Brand />
          </Link>
          <nav aria-label="Main" className="hidden items-center gap-1 md:flex">
            {links.map(({ to, label }) => (
              <Link
                key={to}
                to={to}
                aria-current={isShown(to, pathname) ? "page" : undefined}
                className={clsx(
                  "rounded-md px-2.5 py-1.5 transition-colors",
                  isShown(to, pathname) ? "bg-hover font-medium text-ink" : "text-muted hover:text-ink",
                )}
              >
                {label}
              </Link>
            ))}
          </nav>
          <div className="flex-1" />
          <div className="md:hidden">
            <Menu
              label="Pages"
              trigger={
                <IconButton label="Pages">
                  <MenuIcon aria-hidden />
                </IconButton>
              }
            >
              {links.map(({ to, label }) => (
                <MenuItem key={to} to={to}>
                  {label}
                </MenuItem>
              ))}
            </Menu>
          </div>
          <UserMenu />
        </div>
      </header>
      <Announcements />
      <ConnectionBanner />
      <main id="main" className="mx-auto w-full max-w-6xl flex-1 px-4 py-6 sm:px-6 sm:py-8">
        <CrashGuard path={pathname}>
          <Suspense fallback={<PageSkeleton />}>
            <Outlet />
          </Suspense>
        </CrashGuard>
      </main>
    </div>
  );
}

function Brand() {
  const appearance = useQuery(appearanceQuery);
  const { application_name, logo_url } = appearance.data ?? {};
  return (
    <>
      {logo_url ? <img src={logo_url} alt="" className="h-6 max-w-32 object-contain" /> : <Mark />}
      <span>{application_name || "Fleet"}</span>
    </>
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
      <Skeleton className="h-8 w-56" />
      <Skeleton className="h-64 w-full rounded-xl" />
    </div>
  );
}

/** The operator's documentation and support links. */
function SupportMenuItems() {
  const { docs_url, support_links = [] } = useQuery(appearanceQuery).data ?? {};
  const links = [
    ...(docs_url ? [{ name: "Documentation", target: docs_url, icon: "docs" }] : []),
    ...support_links,
  ];
  if (links.length === 0) return null;
  return (
    <>
      <MenuLine />
      {links.map(({ name, target, icon }) => (
        <MenuItem key={`${name} ${target}`} href={target} icon={<LinkIcon name={icon} />}>
          {name}
        </MenuItem>
      ))}
    </>
  );
}

/** The icons that upstream names. */
function LinkIcon({ name }: { name: string }) {
  if (name === "bug") return <Bug aria-hidden />;
  if (name === "chat") return <MessageCircle aria-hidden />;
  if (name === "docs") return <BookOpen aria-hidden />;
  return <ExternalLink aria-hidden />;
}

function UserMenu() {
  const user = useUser();
  const signOut = useSignOut();
  const buildInfo = useQuery(buildInfoQuery);
  return (
    <Menu
      label="Account"
      trigger={
        <button type="button" aria-label={`Account menu for ${user.username}`} className="rounded-full">
          <Avatar name={user.username} url={user.avatar_url} />
        </button>
      }
    >
      <div className="px-2 pt-1.5 pb-2">
        <p className="font-medium">{user.name || user.username}</p>
        <p className="text-muted text-sm">{user.email}</p>
      </div>
      <MenuLine />
      <MenuItem to="/settings/account" icon={<UserCog aria-hidden />}>
        Account
      </MenuItem>
      <MenuItem to="/settings/tokens" icon={<Settings aria-hidden />}>
        Tokens
      </MenuItem>
      <MenuItem to="/settings/ssh-keys" icon={<KeyRound aria-hidden />}>
        SSH key
      </MenuItem>
      <MenuLine />
      <ThemeMenuItems />
      <SupportMenuItems />
      <MenuLine />
      <MenuItem icon={<LogOut aria-hidden />} onSelect={() => void signOut()}>
        Sign out
      </MenuItem>
      {buildInfo.data && <p className="px-2 pt-1.5 pb-1 text-faint text-xs">{buildInfo.data.version}</p>}
    </Menu>
  );
}

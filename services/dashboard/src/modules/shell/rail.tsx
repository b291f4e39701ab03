import clsx from "clsx";
import { Activity, Boxes, FileStack, type LucideIcon, SlidersHorizontal } from "lucide-react";
import { Link, useLocation } from "react-router";
import { usePermissions } from "../session/session.js";
import { ACTIVITY, ADMIN, belongsTo, visibleGroups } from "./areas.js";

type Entry = { label: string; icon: LucideIcon; to: string; isCurrent: boolean };

/** The places of the dashboard that this user may see. */
export function useEntries(): Entry[] {
  const { pathname } = useLocation();
  const permissions = usePermissions();
  const place = (to: string, label: string, icon: LucideIcon, isCurrent: boolean) => ({
    to,
    label,
    icon,
    isCurrent,
  });
  const areas = [
    { area: ACTIVITY, icon: Activity },
    { area: ADMIN, icon: SlidersHorizontal },
  ].flatMap(({ area, icon }) => {
    const links = visibleGroups(area, permissions).flatMap((group) => group.links);
    if (!links[0]) return [];
    return [
      place(
        links[0].to,
        area.label,
        icon,
        links.some(({ to }) => belongsTo(pathname, to)),
      ),
    ];
  });
  return [
    place("/workspaces", "Workspaces", Boxes, pathname === "/workspaces" || pathname.startsWith("/@")),
    place("/templates", "Templates", FileStack, belongsTo(pathname, "/templates")),
    ...areas,
  ];
}

/** The links of the rail; icons alone on middling windows. */
export function RailLinks() {
  return (
    <nav aria-label="Main" className="flex flex-col gap-0.5">
      {useEntries().map(({ to, label, icon: Icon, isCurrent }) => (
        <Link
          key={label}
          to={to}
          title={label}
          aria-current={isCurrent ? "page" : undefined}
          className={clsx(
            "flex h-8 items-center gap-2.5 rounded-md px-2 transition-colors max-xl:justify-center",
            isCurrent ? "bg-hover font-medium text-ink" : "text-muted hover:bg-hover/60 hover:text-ink",
          )}
        >
          <Icon className="size-4 shrink-0" aria-hidden />
          <span className="max-xl:sr-only">{label}</span>
        </Link>
      ))}
    </nav>
  );
}

/** The same at the bottom of a phone. */
export function BottomBar() {
  return (
    <nav
      aria-label="Main"
      className="fixed inset-x-0 bottom-0 z-30 flex border-line border-t bg-canvas pb-[env(safe-area-inset-bottom)] md:hidden"
    >
      {useEntries().map(({ to, label, icon: Icon, isCurrent }) => (
        <Link
          key={label}
          to={to}
          aria-current={isCurrent ? "page" : undefined}
          className={clsx(
            "flex h-14 flex-1 flex-col items-center justify-center gap-0.5 text-xs",
            isCurrent ? "font-medium text-ink" : "text-muted",
          )}
        >
          <Icon className="size-5" aria-hidden />
          {label}
        </Link>
      ))}
    </nav>
  );
}

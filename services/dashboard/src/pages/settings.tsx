import clsx from "clsx";
import { NavLink, Outlet } from "react-router";
import { PageHeader } from "../modules/ui/page.js";

const TABS = [
  { to: "/settings/account", label: "Account" },
  { to: "/settings/tokens", label: "Tokens" },
  { to: "/settings/ssh-keys", label: "SSH key" },
  { to: "/settings/notifications", label: "Notifications" },
];

/** Layout of the user's own settings. */
export function SettingsPage() {
  return (
    <div className="mx-auto flex max-w-3xl flex-col gap-5">
      <PageHeader title="Settings" />
      <nav aria-label="Settings" className="flex gap-5 border-line border-b">
        {TABS.map(({ to, label }) => (
          <NavLink
            key={to}
            to={to}
            className={({ isActive }) =>
              clsx(
                "-mb-px border-b-2 py-2 transition-colors",
                isActive
                  ? "border-accent font-medium text-ink"
                  : "border-transparent text-muted hover:text-ink",
              )
            }
          >
            {label}
          </NavLink>
        ))}
      </nav>
      <Outlet />
    </div>
  );
}

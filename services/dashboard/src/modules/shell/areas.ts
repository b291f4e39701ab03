import type { Permissions } from "../../api/session.js";

/** A page of an area; it is shown to those who have the permission, or any of them. */
export type AreaLink = { to: string; label: string; needs?: keyof Permissions | (keyof Permissions)[] };
export type AreaGroup = { title?: string; links: readonly AreaLink[] };
export type Area = { label: string; groups: readonly AreaGroup[] };

/** What happens in the deployment. */
export const ACTIVITY: Area = {
  label: "Activity",
  groups: [
    {
      links: [{ to: "/notifications", label: "Notifications" }],
    },
  ],
};

/** What administrators look after. To add a page: its line here, its route in app.tsx, its path in DASHBOARD_PAGES. */
export const ADMIN: Area = {
  label: "Admin",
  groups: [
    { title: "People", links: [{ to: "/users", label: "Users", needs: "readUsers" }] },
    {
      title: "Deployment",
      links: [
        { to: "/deployment/provisioners", label: "Provisioners", needs: "readProvisioners" },
        { to: "/deployment/health", label: "Health", needs: "readHealth" },
      ],
    },
  ],
};

/** The user's own settings. */
export const ACCOUNT: Area = {
  label: "Account",
  groups: [
    {
      links: [
        { to: "/settings/account", label: "Account" },
        { to: "/settings/tokens", label: "Tokens" },
        { to: "/settings/ssh-keys", label: "SSH key" },
        { to: "/settings/notifications", label: "Notifications" },
      ],
    },
  ],
};

/** The groups of an area with the links that these permissions allow. */
export function visibleGroups(area: Area, permissions: Partial<Permissions>): AreaGroup[] {
  const allowed = ({ needs = [] }: AreaLink) => {
    const any = [needs].flat();
    return any.length === 0 || any.some((name) => permissions[name]);
  };
  return area.groups
    .map((group) => ({ ...group, links: group.links.filter(allowed) }))
    .filter(({ links }) => links.length > 0);
}

/** True for the page of a link, and for pages below it. */
export function belongsTo(pathname: string, to: string): boolean {
  return pathname === to || pathname.startsWith(`${to}/`);
}

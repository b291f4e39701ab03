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

/** What administrators look after. To add a page: its line here, its route in routes-admin.tsx, its path in DASHBOARD_PAGES. */
export const ADMIN: Area = {
  label: "Admin",
  groups: [
    {
      title: "People",
      links: [
        { to: "/users", label: "Users", needs: "readUsers" },
        { to: "/groups", label: "Groups", needs: "updateGroups" },
        { to: "/organizations", label: "Organizations", needs: "readMembers" },
        { to: "/deployment/idp-sync", label: "IdP sync", needs: "readSync" },
      ],
    },
    {
      title: "Activity",
      links: [
        { to: "/audit", label: "Audit log", needs: "readAudit" },
        { to: "/connectionlog", label: "Connection log", needs: "readConnections" },
      ],
    },
    {
      title: "Infrastructure",
      links: [
        { to: "/deployment/health", label: "Health", needs: "readHealth" },
        { to: "/deployment/provisioners", label: "Provisioners", needs: "readProvisioners" },
        { to: "/deployment/proxies", label: "Proxies", needs: "readProxies" },
        { to: "/deployment/policies", label: "Policies", needs: "readPolicies" },
      ],
    },
    {
      title: "Deployment",
      links: [
        { to: "/deployment/settings", label: "Settings", needs: "readConfig" },
        { to: "/deployment/appearance", label: "Appearance", needs: "updateConfig" },
        { to: "/deployment/notifications", label: "Notifications", needs: "updateNotifications" },
        { to: "/deployment/webhooks", label: "Webhooks", needs: "readConfig" },
        { to: "/deployment/oauth2-apps", label: "OAuth2 apps", needs: "updateOauthApps" },
        { to: "/deployment/licenses", label: "Licenses", needs: "readLicenses" },
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
        { to: "/settings/account", label: "Profile" },
        { to: "/settings/security", label: "Security" },
        { to: "/settings/tokens", label: "Tokens" },
        { to: "/settings/ssh-keys", label: "SSH keys" },
        { to: "/settings/external-auth", label: "External auth" },
        { to: "/settings/secrets", label: "Secrets" },
        { to: "/settings/apps", label: "Authorized apps" },
        { to: "/settings/schedule", label: "Quiet hours" },
        { to: "/settings/notifications", label: "Notifications" },
        { to: "/settings/appearance", label: "Appearance" },
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

import { Navigate, Route } from "react-router";
import { AreaLayout } from "./modules/shell/area-layout.js";
import { ADMIN } from "./modules/shell/areas.js";
import { page } from "./modules/ui/lazy-page.js";

const UsersPage = page(() => import("./pages/users.js"), "UsersPage");
const GroupsPage = page(() => import("./pages/groups.js"), "GroupsPage");
const GroupPage = page(() => import("./pages/group.js"), "GroupPage");
const OrganizationsPage = page(() => import("./pages/organizations.js"), "OrganizationsPage");
const OrganizationPage = page(() => import("./pages/organization.js"), "OrganizationPage");
const MembersPage = page(() => import("./pages/organization-members.js"), "OrganizationMembersPage");
const RolesPage = page(() => import("./pages/organization-roles.js"), "OrganizationRolesPage");
const QuotasPage = page(() => import("./pages/organization-quotas.js"), "OrganizationQuotasPage");
const SyncPage = page(() => import("./pages/organization-sync.js"), "OrganizationSyncPage");
const OrgSettingsPage = page(() => import("./pages/organization-settings.js"), "OrganizationSettingsPage");
const AuditPage = page(() => import("./pages/audit.js"), "AuditPage");
const ConnectionsPage = page(() => import("./pages/connections.js"), "ConnectionsPage");
const ProvisionersPage = page(() => import("./pages/provisioners.js"), "ProvisionersPage");
const ProxiesPage = page(() => import("./pages/proxies.js"), "ProxiesPage");
const HealthPage = page(() => import("./pages/health.js"), "HealthPage");
const DeploymentSettingsPage = page(() => import("./pages/deployment-settings.js"), "DeploymentSettingsPage");
const AppearancePage = page(() => import("./pages/appearance.js"), "AppearancePage");
const NotificationsPage = page(() => import("./pages/notifications-admin.js"), "NotificationsAdminPage");
const WebhooksPage = page(() => import("./pages/webhooks.js"), "WebhooksPage");
const PoliciesPage = page(() => import("./pages/policies.js"), "PoliciesPage");
const Oauth2AppsPage = page(() => import("./pages/oauth2-apps.js"), "Oauth2AppsPage");
const Oauth2AppPage = page(() => import("./pages/oauth2-app.js"), "Oauth2AppPage");
const IdpSyncPage = page(() => import("./pages/idp-sync.js"), "IdpSyncPage");
const LicensesPage = page(() => import("./pages/licenses.js"), "LicensesPage");

/** The pages of administrators. */
export function adminRoutes() {
  return (
    <Route element={<AreaLayout area={ADMIN} />}>
      <Route path="/users" element={<UsersPage />} />
      <Route path="/groups" element={<GroupsPage />} />
      <Route path="/groups/:group" element={<GroupPage />} />
      <Route path="/organizations" element={<OrganizationsPage />} />
      <Route path="/organizations/:organization" element={<OrganizationPage />}>
        <Route index element={<Navigate to="members" replace />} />
        <Route path="members" element={<MembersPage />} />
        <Route path="roles" element={<RolesPage />} />
        <Route path="quotas" element={<QuotasPage />} />
        <Route path="idp-sync" element={<SyncPage />} />
        <Route path="settings" element={<OrgSettingsPage />} />
      </Route>
      <Route path="/audit" element={<AuditPage />} />
      <Route path="/connectionlog" element={<ConnectionsPage />} />
      <Route path="/deployment/provisioners" element={<ProvisionersPage />} />
      <Route path="/deployment/proxies" element={<ProxiesPage />} />
      <Route path="/deployment/health" element={<HealthPage />} />
      <Route path="/deployment/settings" element={<DeploymentSettingsPage />} />
      <Route path="/deployment/appearance" element={<AppearancePage />} />
      <Route path="/deployment/notifications" element={<NotificationsPage />} />
      <Route path="/deployment/webhooks" element={<WebhooksPage />} />
      <Route path="/deployment/policies" element={<PoliciesPage />} />
      <Route path="/deployment/oauth2-apps" element={<Oauth2AppsPage />} />
      <Route path="/deployment/oauth2-apps/:app" element={<Oauth2AppPage />} />
      <Route path="/deployment/idp-sync" element={<IdpSyncPage />} />
      <Route path="/deployment/licenses" element={<LicensesPage />} />
    </Route>
  );
}

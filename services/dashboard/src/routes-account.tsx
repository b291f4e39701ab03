import { Navigate, Route } from "react-router";
import { AreaLayout } from "./modules/shell/area-layout.js";
import { ACCOUNT } from "./modules/shell/areas.js";
import { page } from "./modules/ui/lazy-page.js";
import { NotFoundPage } from "./pages/not-found.js";

const AccountPage = page(() => import("./pages/settings-account.js"), "AccountPage");
const SecurityPage = page(() => import("./pages/settings-security.js"), "SecurityPage");
const TokensPage = page(() => import("./pages/settings-tokens.js"), "TokensPage");
const SshKeysPage = page(() => import("./pages/settings-ssh-keys.js"), "SshKeysPage");
const ExternalAuthPage = page(() => import("./pages/settings-external-auth.js"), "ExternalAuthSettingsPage");
const SecretsPage = page(() => import("./pages/settings-secrets.js"), "SecretsPage");
const AppsPage = page(() => import("./pages/settings-apps.js"), "AuthorizedAppsPage");
const SchedulePage = page(() => import("./pages/settings-schedule.js"), "ScheduleSettingsPage");
const NotificationsPage = page(() => import("./pages/settings-notifications.js"), "NotificationsPage");
const AppearancePage = page(() => import("./pages/settings-appearance.js"), "AppearanceSettingsPage");

/** The pages of the user's own account. */
export function accountRoutes() {
  return (
    <Route path="/settings" element={<AreaLayout area={ACCOUNT} />}>
      <Route index element={<Navigate to="account" replace />} />
      <Route path="account" element={<AccountPage />} />
      <Route path="security" element={<SecurityPage />} />
      <Route path="tokens" element={<TokensPage />} />
      <Route path="ssh-keys" element={<SshKeysPage />} />
      <Route path="external-auth" element={<ExternalAuthPage />} />
      <Route path="secrets" element={<SecretsPage />} />
      <Route path="apps" element={<AppsPage />} />
      <Route path="schedule" element={<SchedulePage />} />
      <Route path="notifications" element={<NotificationsPage />} />
      <Route path="appearance" element={<AppearancePage />} />
      <Route path="*" element={<NotFoundPage />} />
    </Route>
  );
}

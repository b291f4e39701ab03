import { QueryClientProvider } from "@tanstack/react-query";
import { Tooltip } from "radix-ui";
import { Suspense, useEffect, useState } from "react";
import { BrowserRouter, createRoutesFromElements, Navigate, Outlet, Route, Routes } from "react-router";
import { pulse } from "./api/client.js";
import { createQueryClient, refetchWhenBack } from "./api/queries.js";
import { UpdatesProvider } from "./api/updates.js";
import { RequireSession } from "./modules/session/session.js";
import { AreaLayout } from "./modules/shell/area-layout.js";
import { ACTIVITY } from "./modules/shell/areas.js";
import { Shell } from "./modules/shell/shell.js";
import { page } from "./modules/ui/lazy-page.js";
import { preloadOnIntent } from "./modules/ui/preload.js";
import { ToastProvider } from "./modules/ui/toast.js";
import { LoginPage } from "./pages/login.js";
import { NotFoundPage } from "./pages/not-found.js";
import { WorkspacesPage } from "./pages/workspaces.js";
import { accountRoutes } from "./routes-account.js";
import { adminRoutes } from "./routes-admin.js";
import { templateRoutes } from "./routes-templates.js";

const ResetPasswordPage = page(() => import("./pages/reset-password.js"), "ResetPasswordPage");
const ChangePasswordPage = page(() => import("./pages/reset-password-change.js"), "ChangePasswordPage");
const SetupPage = page(() => import("./pages/setup.js"), "SetupPage");
const LoginDevicePage = page(() => import("./pages/login-device.js"), "LoginDevicePage");
const CliAuthPage = page(() => import("./pages/cli-auth.js"), "CliAuthPage");
const ExternalAuthPage = page(() => import("./pages/external-auth.js"), "ExternalAuthPage");
const WorkspacePage = page(() => import("./pages/workspace.js"), "WorkspacePage");
const TerminalPage = page(() => import("./pages/terminal.js"), "TerminalPage");
const InboxPage = page(() => import("./pages/notifications.js"), "InboxPage");

export function App() {
  const [queries] = useState(() => createQueryClient(pulse));
  useEffect(() => {
    const stops = [
      pulse.start(),
      refetchWhenBack(queries, pulse),
      preloadOnIntent(createRoutesFromElements(Pages().props.children)),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [queries]);
  return (
    <QueryClientProvider client={queries}>
      <Tooltip.Provider>
        <ToastProvider>
          {/* Shows the next page's skeleton immediately, not the last page until the next is loaded. */}
          <BrowserRouter useTransitions={false}>
            <Suspense>
              <Pages />
            </Suspense>
          </BrowserRouter>
        </ToastProvider>
      </Tooltip.Provider>
    </QueryClientProvider>
  );
}

/** Pages for signed-in users that use the whole window. */
function SignedIn() {
  return (
    <RequireSession>
      <Outlet />
    </RequireSession>
  );
}

/**
 * All routes of the dashboard. Clients link to them, so they must not change. The server serves the dashboard only at
 * the same paths, `DASHBOARD_PAGES` in packages/sdk; app.test.tsx checks that they match.
 */
export function Pages() {
  return (
    <Routes>
      <Route path="/login" element={<LoginPage />} />
      <Route path="/login/device" element={<LoginDevicePage />} />
      <Route path="/setup" element={<SetupPage />} />
      <Route path="/reset-password" element={<ResetPasswordPage />} />
      <Route path="/reset-password/change" element={<ChangePasswordPage />} />
      <Route element={<SignedIn />}>
        <Route path="/cli-auth" element={<CliAuthPage />} />
        <Route path="/external-auth/:provider" element={<ExternalAuthPage />} />
        <Route path="/:user/:workspace/terminal" element={<TerminalPage />} />
      </Route>
      <Route
        element={
          <RequireSession>
            <UpdatesProvider>
              <Shell />
            </UpdatesProvider>
          </RequireSession>
        }
      >
        <Route path="/" element={<Navigate to="/workspaces" replace />} />
        <Route path="/workspaces" element={<WorkspacesPage />} />
        {templateRoutes()}
        <Route element={<AreaLayout area={ACTIVITY} />}>
          <Route path="/notifications" element={<InboxPage />} />
        </Route>
        {adminRoutes()}
        {accountRoutes()}
        <Route path="/:user/:workspace/*" element={<WorkspacePage />} />
        <Route path="*" element={<NotFoundPage />} />
      </Route>
    </Routes>
  );
}

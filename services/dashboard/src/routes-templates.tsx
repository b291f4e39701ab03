import { Navigate, Route } from "react-router";
import { page } from "./modules/ui/lazy-page.js";

const TemplatesPage = page(() => import("./pages/templates.js"), "TemplatesPage");
const NewTemplatePage = page(() => import("./pages/new-template.js"), "NewTemplatePage");
const CreateWorkspacePage = page(() => import("./pages/create-workspace.js"), "CreateWorkspacePage");
const TemplateVersionPage = page(() => import("./pages/template-version.js"), "TemplateVersionPage");
const TemplatePage = page(() => import("./pages/template.js"), "TemplatePage");
const OverviewPage = page(() => import("./pages/template-overview.js"), "TemplateOverviewPage");
const VersionsPage = page(() => import("./pages/template-versions.js"), "TemplateVersionsPage");
const SourcePage = page(() => import("./pages/template-source.js"), "TemplateSourcePage");
const WorkspacesPage = page(() => import("./pages/template-workspaces.js"), "TemplateWorkspacesPage");
const RolloutsPage = page(() => import("./pages/template-rollouts.js"), "TemplateRolloutsPage");
const InsightsPage = page(() => import("./pages/template-insights.js"), "TemplateInsightsPage");
const SettingsPage = page(() => import("./pages/template-settings.js"), "TemplateSettingsPage");
const GeneralPage = page(() => import("./pages/template-general.js"), "TemplateGeneralPage");
const SchedulePage = page(() => import("./pages/template-schedule.js"), "TemplateSchedulePage");
const PermissionsPage = page(() => import("./pages/template-permissions.js"), "TemplatePermissionsPage");
const VariablesPage = page(() => import("./pages/template-variables.js"), "TemplateVariablesPage");

/** The pages of templates. */
export function templateRoutes() {
  return (
    <>
      <Route path="/templates" element={<TemplatesPage />} />
      <Route path="/templates/new" element={<NewTemplatePage />} />
      <Route path="/templates/:template/versions/:version" element={<TemplateVersionPage />} />
      <Route path="/templates/:template/workspace" element={<CreateWorkspacePage />} />
      <Route path="/templates/:template" element={<TemplatePage />}>
        <Route index element={<OverviewPage />} />
        <Route path="versions" element={<VersionsPage />} />
        <Route path="source" element={<SourcePage />} />
        <Route path="workspaces" element={<WorkspacesPage />} />
        <Route path="rollouts" element={<RolloutsPage />} />
        <Route path="insights" element={<InsightsPage />} />
        <Route path="settings" element={<SettingsPage />}>
          <Route index element={<Navigate to="general" replace />} />
          <Route path="general" element={<GeneralPage />} />
          <Route path="schedule" element={<SchedulePage />} />
          <Route path="permissions" element={<PermissionsPage />} />
          <Route path="variables" element={<VariablesPage />} />
        </Route>
      </Route>
    </>
  );
}

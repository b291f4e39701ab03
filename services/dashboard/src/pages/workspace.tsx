import type { Workspace } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { CloudOff } from "lucide-react";
import { Suspense } from "react";
import { Route, Routes, useParams } from "react-router";
import { isFleetError } from "../api/errors.js";
import { templatesQuery } from "../api/templates.js";
import { useFollowed } from "../api/updates.js";
import { isActive, workspaceQuery } from "../api/workspaces.js";
import { BuildLog } from "../modules/builds/build-log.js";
import { transitionName } from "../modules/builds/describe.js";
import { IconTile } from "../modules/icons/icon.js";
import { useUser } from "../modules/session/session.js";
import { page } from "../modules/ui/lazy-page.js";
import { ErrorNotice } from "../modules/ui/notice.js";
import { Empty, PageHeader, Section, Skeleton, useTitle } from "../modules/ui/page.js";
import { Reconnecting } from "../modules/ui/reconnecting.js";
import { Tabs } from "../modules/ui/section-nav.js";
import { WorkspaceFacts } from "../modules/workspaces/facts.js";
import { HeaderActions } from "../modules/workspaces/header-actions.js";
import { WorkspaceNotices } from "../modules/workspaces/notices.js";
import { Resources } from "../modules/workspaces/resources.js";
import { StateSentence } from "../modules/workspaces/sentence.js";
import { stateOf, WorkspaceStatusPill } from "../modules/workspaces/status.js";
import { Timeline } from "../modules/workspaces/timeline.js";
import { userOfSegment, workspacePath } from "../paths.js";
import { NotFoundPage } from "./not-found.js";

const BuildsTab = page(() => import("./workspace-builds.js"), "BuildsTab");
const BuildTab = page(() => import("./workspace-build.js"), "BuildTab");
const SettingsTab = page(() => import("./workspace-settings.js"), "SettingsTab");

/** `/@:user/:workspace`; builds and settings are nested routes. */
export function WorkspacePage() {
  const params = useParams();
  const owner = userOfSegment(params.user);
  const name = params.workspace ?? "";
  const workspace = useQuery({ ...workspaceQuery(owner ?? "", name), enabled: owner !== undefined });
  useTitle(name);
  if (owner === undefined) return <NotFoundPage />;
  if (workspace.data) return <LoadedWorkspace workspace={workspace.data} />;
  if (isFleetError(workspace.error, "not_found")) {
    return (
      <Empty icon={<CloudOff aria-hidden />} title={`Workspace ${owner}/${name} not found`}>
        It does not exist, or you do not have access to it.
      </Empty>
    );
  }
  if (workspace.isError)
    return <ErrorNotice error={workspace.error} onRetry={() => void workspace.refetch()} />;
  return (
    <div role="status" aria-label="Loading" className="flex flex-col gap-5">
      <Skeleton className="h-9 w-64" />
      <Skeleton className="h-5 w-96 max-w-full" />
      <Skeleton className="h-56 w-full rounded-xl" />
    </div>
  );
}

function LoadedWorkspace({ workspace }: { workspace: Workspace }) {
  const live = useFollowed([workspace.id]);
  const build = workspace.latest_build;
  const user = useUser();
  const templates = useQuery(templatesQuery);
  const template = templates.data?.find(({ id }) => id === workspace.template_id);
  const usualMs = template?.build_time_stats[build.transition]?.P50 ?? undefined;
  useTitle(workspace.name, stateOf(workspace));
  return (
    <div className="flex flex-col gap-5">
      <PageHeader
        crumbs={[{ to: "/workspaces", label: "Workspaces" }]}
        icon={<IconTile url={workspace.template_icon} hints={[workspace.template_name]} size={42} />}
        title={
          <span className="flex items-center gap-2.5">
            <span className="truncate">{workspace.name}</span>
            <WorkspaceStatusPill workspace={workspace} />
          </span>
        }
        lead={
          <>
            {workspace.owner_id !== user.id && `${workspace.owner_name} · `}
            <StateSentence workspace={workspace} usualMs={usualMs} />
          </>
        }
        actions={<HeaderActions workspace={workspace} />}
      />
      <Reconnecting state={live} />
      <WorkspaceFacts workspace={workspace} />
      <WorkspaceTabs workspace={workspace} />
      <Suspense fallback={<Skeleton className="h-56 w-full rounded-xl" />}>
        <Routes>
          <Route index element={<Overview workspace={workspace} />} />
          <Route path="builds" element={<BuildsTab workspace={workspace} />} />
          <Route path="builds/:number" element={<BuildTab workspace={workspace} />} />
          <Route path="settings/*" element={<SettingsTab workspace={workspace} />} />
          <Route path="*" element={<NotFoundPage />} />
        </Routes>
      </Suspense>
    </div>
  );
}

function WorkspaceTabs({ workspace }: { workspace: Workspace }) {
  const path = workspacePath(workspace);
  const tabs = [
    { to: path, label: "Overview", end: true },
    { to: `${path}/builds`, label: "Builds", end: false },
    { to: `${path}/settings`, label: "Settings", end: false },
  ];
  return <Tabs label="Workspace" tabs={tabs} />;
}

function Overview({ workspace }: { workspace: Workspace }) {
  const build = workspace.latest_build;
  const active = isActive(build);
  return (
    <>
      <WorkspaceNotices workspace={workspace} />
      <Timeline workspace={workspace} />
      {active && (
        <div className="overflow-hidden rounded-xl">
          <Section title={`${transitionName(build)} (build ${build.build_number})`} flush>
            <BuildLog build={build} />
          </Section>
        </div>
      )}
      <Resources workspace={workspace} />
      {build.status === "deleted" && (
        <Empty title="This workspace was deleted">Its builds and their logs are still available.</Empty>
      )}
      {build.status === "stopped" && build.resources.length === 0 && (
        <Empty title="The workspace is stopped">Start it to use it.</Empty>
      )}
    </>
  );
}

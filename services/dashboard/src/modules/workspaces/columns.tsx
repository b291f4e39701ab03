import type { Workspace } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { ArrowUpCircle } from "lucide-react";
import { Link } from "react-router";
import { templatesQuery } from "../../api/templates.js";
import { isActive } from "../../api/workspaces.js";
import { workspacePath } from "../../paths.js";
import { Ago, duration, isRealTime, useNow } from "../format/time.js";
import { IconTile } from "../icons/icon.js";
import type { Column } from "../ui/table.js";
import { Tip } from "../ui/tip.js";
import { useIsWide } from "../ui/width.js";
import { RowActions } from "./row-actions.js";
import { WorkspaceStatusPill } from "./status.js";

/** What the server sorts by; the table only needs to know that it can. */
const byServer = () => 0;

/** The columns of the workspaces list. */
export function workspaceColumns(options: { isMine: boolean }): Column<Workspace>[] {
  const { isMine } = options;
  return [
    {
      id: "name",
      title: "Name",
      width: "minmax(9rem, 2.5fr)",
      sort: byServer,
      cell: (workspace) => <NameCell workspace={workspace} isMine={isMine} />,
    },
    {
      id: "status",
      title: "Status",
      width: "minmax(7.5rem, 1fr)",
      sort: byServer,
      from: "sm",
      cell: (workspace) => <StatusCell workspace={workspace} />,
    },
    {
      id: "template",
      title: "Template",
      width: "minmax(8rem, 1fr)",
      sort: byServer,
      from: "lg",
      choice: "shown",
      cell: ({ template_display_name, template_name }) => (
        <span className="block truncate">{template_display_name || template_name}</span>
      ),
    },
    {
      id: "version",
      title: "Version",
      width: "minmax(8rem, 1fr)",
      from: "lg",
      choice: "hidden",
      cell: ({ latest_build }) => (
        <span className="block truncate font-mono text-sm">{latest_build.template_version_name}</span>
      ),
    },
    {
      id: "owner",
      title: "Owner",
      width: "minmax(7rem, 1fr)",
      sort: byServer,
      from: "md",
      choice: isMine ? "hidden" : "shown",
      cell: ({ owner_name }) => <span className="block truncate">{owner_name}</span>,
    },
    {
      id: "organization",
      title: "Organization",
      width: "minmax(7rem, 1fr)",
      from: "lg",
      choice: "hidden",
      cell: ({ organization_name }) => <span className="block truncate">{organization_name}</span>,
    },
    {
      id: "autostop",
      title: "Stops",
      width: "minmax(6.5rem, 0.75fr)",
      from: "xl",
      choice: "shown",
      cell: ({ latest_build: { deadline, status } }) => (
        <span className="text-muted">
          {status === "running" && isRealTime(deadline) ? <Ago time={deadline} /> : "–"}
        </span>
      ),
    },
    {
      id: "last_used_at",
      title: "Last used",
      width: "minmax(7rem, 0.75fr)",
      sort: byServer,
      from: "md",
      choice: "shown",
      cell: ({ last_used_at }) => (
        <span className="text-muted">
          <Ago time={last_used_at} />
        </span>
      ),
    },
    {
      id: "created_at",
      title: "Created",
      width: "minmax(7rem, 0.75fr)",
      sort: byServer,
      from: "lg",
      choice: "hidden",
      cell: ({ created_at }) => (
        <span className="text-muted">
          <Ago time={created_at} />
        </span>
      ),
    },
    {
      id: "actions",
      title: "Actions",
      width: "8rem",
      end: true,
      quiet: true,
      cell: (workspace) => <RowActions workspace={workspace} />,
    },
  ];
}

/** The name; on a phone with the owner and the state, whose columns have no room. */
function NameCell({ workspace, isMine }: { workspace: Workspace; isMine: boolean }) {
  const isWide = useIsWide("sm");
  return (
    <div className="flex min-w-0 items-center gap-3">
      <IconTile url={workspace.template_icon} hints={[workspace.template_name]} size={28} />
      <div className="min-w-0">
        <div className="flex items-center gap-1.5">
          <Link to={workspacePath(workspace)} className="truncate rounded font-medium">
            {!isMine && !isWide && <span className="font-normal text-muted">{workspace.owner_name} / </span>}
            {workspace.name}
          </Link>
          {workspace.outdated && (
            <Tip text="Update available">
              <ArrowUpCircle
                className="size-4 shrink-0 text-muted"
                role="img"
                aria-label="Update available"
              />
            </Tip>
          )}
        </div>
        {!isWide && <StatusCell workspace={workspace} />}
      </div>
    </div>
  );
}

/** The state; while a build runs, with how far it is by the template's median. */
function StatusCell({ workspace }: { workspace: Workspace }) {
  return (
    <div className="flex flex-col">
      <WorkspaceStatusPill workspace={workspace} />
      {isActive(workspace.latest_build) && <BuildPhase workspace={workspace} />}
    </div>
  );
}

function BuildPhase({ workspace }: { workspace: Workspace }) {
  const { job, transition } = workspace.latest_build;
  const templates = useQuery(templatesQuery);
  const now = useNow(1_000);
  if (job.status === "pending")
    return (
      <span className="text-muted text-xs">
        {job.queue_size > 1 ? `Queued, ${Math.max(1, job.queue_position)} of ${job.queue_size}` : "Queued"}
      </span>
    );
  if (!job.started_at) return null;
  const elapsed = Math.max(0, now.getTime() - Date.parse(job.started_at));
  const stats = templates.data?.find(({ id }) => id === workspace.template_id)?.build_time_stats;
  const usual = stats?.[transition]?.P50;
  const seconds = duration(Math.floor(elapsed / 1_000) * 1_000);
  if (!usual) return <span className="font-mono text-muted text-xs">{seconds}</span>;
  return (
    <span className="flex items-center gap-1.5">
      <span aria-hidden className="h-1 w-12 overflow-hidden rounded-full bg-line">
        <span
          className="block h-full rounded-full bg-busy"
          style={{ width: `${Math.min(100, (elapsed / usual) * 100)}%` }}
        />
      </span>
      <span className="whitespace-nowrap font-mono text-muted text-xs">
        {seconds} of {duration(usual)}
      </span>
    </span>
  );
}

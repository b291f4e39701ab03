import { useQuery } from "@tanstack/react-query";
import { Box } from "lucide-react";
import { Link, useSearchParams } from "react-router";
import { templateWorkspacesQuery } from "../api/templates.js";
import { Ago } from "../modules/format/time.js";
import { useTemplate } from "../modules/templates/form.js";
import { Badge, Empty, useTitle } from "../modules/ui/page.js";
import { Paging } from "../modules/ui/paging.js";
import { Table } from "../modules/ui/table.js";
import { WorkspaceStatusPill } from "../modules/workspaces/status.js";
import { workspacePath } from "../paths.js";

const PAGE_SIZE = 50;

/** `/templates/:template/workspaces?page=`: what people made of it, and with which version. */
export function TemplateWorkspacesPage() {
  const template = useTemplate();
  useTitle(`${template.display_name || template.name} workspaces`);
  const [search, setSearch] = useSearchParams();
  const page = Math.max(1, Number(search.get("page")) || 1);
  const found = useQuery(templateWorkspacesQuery(template.name, { page, size: PAGE_SIZE }));
  return (
    <div className="flex flex-col gap-4">
      <Table
        label="Workspaces"
        rows={found.data?.workspaces}
        keyOf={({ id }) => id}
        error={found.error}
        onRetry={() => void found.refetch()}
        busy={found.isPlaceholderData}
        empty={<Empty icon={<Box aria-hidden />} title="No workspaces" />}
        columns={[
          {
            id: "name",
            title: "Workspace",
            width: "minmax(0, 2fr)",
            cell: (workspace) => (
              <Link
                to={workspacePath(workspace)}
                className="block w-fit max-w-full truncate rounded font-medium hover:underline"
              >
                {workspace.owner_name}/{workspace.name}
              </Link>
            ),
          },
          {
            id: "version",
            title: "Version",
            width: "minmax(0, 1fr)",
            from: "md",
            cell: ({ latest_build, outdated }) => (
              <span className="flex items-center gap-2">
                <span className="truncate font-mono text-sm">{latest_build.template_version_name}</span>
                {outdated && <Badge tone="warn">Outdated</Badge>}
              </span>
            ),
          },
          {
            id: "used",
            title: "Last used",
            width: "8rem",
            from: "sm",
            cell: ({ last_used_at }) => <Ago time={last_used_at} />,
          },
          {
            id: "status",
            title: "Status",
            width: "7rem",
            cell: (workspace) => <WorkspaceStatusPill workspace={workspace} />,
          },
        ]}
      />
      <Paging
        page={page}
        size={PAGE_SIZE}
        count={found.data?.count ?? 0}
        onChange={(next) => setSearch({ page: String(next) }, { replace: true })}
      />
    </div>
  );
}

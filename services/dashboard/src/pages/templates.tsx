import type { Template } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { FileStack, Plus } from "lucide-react";
import { Link } from "react-router";
import { templatesQuery } from "../api/templates.js";
import { organizationsQuery } from "../api/users.js";
import { duration } from "../modules/format/time.js";
import { IconTile } from "../modules/icons/icon.js";
import { usePermissions } from "../modules/session/session.js";
import { Button } from "../modules/ui/button.js";
import { CopyLine } from "../modules/ui/copy.js";
import { Badge, Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { type Column, Table } from "../modules/ui/table.js";

/** Most used first, deprecated ones last. */
function byUse(a: Template, b: Template): number {
  return Number(a.deprecated) - Number(b.deprecated) || b.active_user_count - a.active_user_count;
}

/** `/templates`: what workspaces can be created from. */
export function TemplatesPage() {
  useTitle("Templates");
  const permissions = usePermissions();
  const templates = useQuery(templatesQuery);
  const organizations = useQuery(organizationsQuery).data ?? [];
  return (
    <Page width="fluid">
      <PageHeader
        title="Templates"
        lead="Templates define the infrastructure of workspaces."
        actions={
          permissions.updateTemplates && (
            <Button look="primary" asChild>
              <Link to="/templates/new">
                <Plus aria-hidden />
                New template
              </Link>
            </Button>
          )
        }
      />
      <Table
        label="Templates"
        rows={templates.data?.toSorted(byUse)}
        keyOf={({ id }) => id}
        error={templates.error}
        onRetry={() => void templates.refetch()}
        rowPx={60}
        empty={<NoTemplates />}
        columns={organizations.length > 1 ? [NAME, ORGANIZATION, ...FACTS] : [NAME, ...FACTS]}
      />
    </Page>
  );
}

const NAME: Column<Template> = {
  id: "name",
  title: "Template",
  width: "minmax(0, 3fr)",
  sort: ({ display_name, name }) => display_name || name,
  cell: ({ name, display_name, description, icon, deprecated }) => (
    <span className="flex items-center gap-3 py-1.5">
      <IconTile url={icon} hints={[name]} />
      <span className="min-w-0">
        <span className="flex items-center gap-2">
          <Link to={`/templates/${name}`} className="truncate rounded font-medium hover:underline">
            {display_name || name}
          </Link>
          {deprecated && <Badge tone="warn">Deprecated</Badge>}
        </span>
        <span className="block truncate text-muted text-sm">{description || (display_name && name)}</span>
      </span>
    </span>
  ),
};

const ORGANIZATION: Column<Template> = {
  id: "organization",
  title: "Organization",
  width: "minmax(0, 1fr)",
  from: "lg",
  sort: ({ organization_name }) => organization_name,
  cell: ({ organization_display_name, organization_name }) => (
    <span className="block truncate">{organization_display_name || organization_name}</span>
  ),
};

const FACTS: Column<Template>[] = [
  {
    id: "developers",
    title: "Developers",
    width: "6.5rem",
    end: true,
    from: "md",
    sort: ({ active_user_count }) => active_user_count,
    cell: ({ active_user_count }) => (active_user_count < 0 ? "" : active_user_count),
  },
  {
    id: "start",
    title: "Median start",
    width: "7.5rem",
    end: true,
    from: "md",
    sort: ({ build_time_stats }) => build_time_stats.start?.P50 ?? 0,
    cell: ({ build_time_stats }) =>
      build_time_stats.start?.P50 ? duration(build_time_stats.start.P50) : "–",
  },
  {
    id: "acts",
    title: "Actions",
    quiet: true,
    end: true,
    width: "9rem",
    cell: ({ name, deprecated }) =>
      deprecated ? null : (
        <Button size="sm" asChild>
          <Link to={`/templates/${name}/workspace`}>Create workspace</Link>
        </Button>
      ),
  },
];

function NoTemplates() {
  const permissions = usePermissions();
  if (!permissions.updateTemplates) {
    return (
      <Empty icon={<FileStack aria-hidden />} title="No templates yet">
        Ask your administrator to add a template.
      </Empty>
    );
  }
  return (
    <Empty
      icon={<FileStack aria-hidden />}
      title="No templates yet"
      action={
        <Button look="primary" asChild>
          <Link to="/templates/new">Choose a starter template</Link>
        </Button>
      }
    >
      A template is a Terraform configuration that describes a workspace. Choose a starter template, or push
      your own with the CLI:
      <div className="mt-4 text-left text-ink">
        <CopyLine text="coder templates push" />
      </div>
    </Empty>
  );
}

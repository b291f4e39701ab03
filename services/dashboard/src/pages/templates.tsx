import type { Template } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { FileStack, Plus } from "lucide-react";
import { Link } from "react-router";
import { templatesQuery } from "../api/templates.js";
import { duration } from "../modules/format/time.js";
import { IconTile } from "../modules/icons/icon.js";
import { usePermissions } from "../modules/session/session.js";
import { Button } from "../modules/ui/button.js";
import { CopyLine } from "../modules/ui/copy.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Badge, Card, Empty, PageHeader, SkeletonRows, useTitle } from "../modules/ui/page.js";

/** Most used first, deprecated ones last. */
function byUse(a: Template, b: Template): number {
  return Number(a.deprecated) - Number(b.deprecated) || b.active_user_count - a.active_user_count;
}

export function TemplatesPage() {
  useTitle("Templates");
  const permissions = usePermissions();
  const templates = useQuery(templatesQuery);
  return (
    <div className="flex flex-col gap-5">
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
      <Card>
        <Loaded query={templates} skeleton={<SkeletonRows />} padded>
          {(list) =>
            list.length === 0 ? (
              <NoTemplates />
            ) : (
              <ul className="divide-y divide-line">
                {list.toSorted(byUse).map((template) => (
                  <TemplateRow key={template.id} template={template} />
                ))}
              </ul>
            )
          }
        </Loaded>
      </Card>
    </div>
  );
}

function TemplateRow({ template }: { template: Template }) {
  const startMs = template.build_time_stats.start?.P50;
  const facts = [
    template.active_user_count > 0 &&
      `${template.active_user_count} ${template.active_user_count === 1 ? "developer" : "developers"}`,
    startMs && `starts in ${duration(startMs)}`,
  ].filter(Boolean);
  return (
    <li className="relative flex items-center gap-3 px-4 py-3 transition-colors hover:bg-hover/50 sm:px-5">
      <IconTile url={template.icon} hints={[template.name]} />
      <div className="min-w-0 flex-1">
        <div className="flex items-center gap-2">
          <Link
            to={`/templates/${template.name}`}
            className="truncate rounded font-medium after:absolute after:inset-0"
          >
            {template.display_name || template.name}
          </Link>
          {template.deprecated && <Badge tone="warn">deprecated</Badge>}
        </div>
        <p className="truncate text-muted text-sm">
          {template.description || (template.display_name && template.name)}
        </p>
      </div>
      <span className="hidden text-right text-muted text-sm md:block">{facts.join(" · ")}</span>
      {!template.deprecated && (
        <Button size="sm" asChild className="relative">
          <Link to={`/templates/${template.name}/workspace`}>
            Create<span className="hidden sm:inline"> workspace</span>
          </Link>
        </Button>
      )}
    </li>
  );
}

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

import type { TemplateVersion } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Archive, ArchiveRestore, Ellipsis, GitCompareArrows, Pencil, Rocket } from "lucide-react";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { client } from "../api/client.js";
import { templatePermissionsQuery, versionsQuery } from "../api/templates.js";
import { JobStatusPill } from "../modules/builds/job-status.js";
import { Ago } from "../modules/format/time.js";
import { InlineMarkdown } from "../modules/markdown/markdown.js";
import { EditVersion } from "../modules/templates/edit-version.js";
import { useTemplate } from "../modules/templates/form.js";
import { PromoteVersion } from "../modules/templates/promote.js";
import { Button, IconButton } from "../modules/ui/button.js";
import { Switch } from "../modules/ui/choice.js";
import { Confirm } from "../modules/ui/confirm.js";
import { Menu, MenuItem, MenuLine } from "../modules/ui/menu.js";
import { Badge, Empty, useTitle } from "../modules/ui/page.js";
import { Table } from "../modules/ui/table.js";
import { useAct, useToasts } from "../modules/ui/toast.js";

type Asked = { what: "promote" | "edit"; version: TemplateVersion };

/** `/templates/:template/versions?archived=true`. */
export function TemplateVersionsPage() {
  const template = useTemplate();
  useTitle(`${template.display_name || template.name} versions`);
  const [search, setSearch] = useSearchParams();
  const archived = search.get("archived") === "true";
  const may = useQuery(templatePermissionsQuery(template.id)).data;
  const versions = useQuery(versionsQuery(template.id, archived));
  const [asked, setAsked] = useState<Asked>();
  const base = `/templates/${template.name}/versions`;
  return (
    <div className="flex flex-col gap-4">
      {may?.update && (
        <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
          <Switch
            checked={archived}
            onChange={(on) => setSearch(on ? { archived: "true" } : {}, { replace: true })}
          >
            Show archived
          </Switch>
          <ArchiveUnused />
        </div>
      )}
      <Table
        label="Versions"
        rows={versions.data}
        keyOf={({ id }) => id}
        error={versions.error}
        onRetry={() => void versions.refetch()}
        rowPx={56}
        empty={<Empty title="No versions" />}
        columns={[
          {
            id: "name",
            title: "Version",
            width: "minmax(0, 2fr)",
            cell: (version) => (
              <div className="py-2">
                <p className="flex items-center gap-2">
                  <Link
                    to={`${base}/${version.name}`}
                    className="truncate rounded font-medium font-mono text-sm hover:underline"
                  >
                    {version.name}
                  </Link>
                  {version.id === template.active_version_id && <Badge tone="ok">Active</Badge>}
                  {version.archived && <Badge>Archived</Badge>}
                </p>
                {version.message && (
                  <p className="truncate text-muted text-sm" title={version.message}>
                    <InlineMarkdown text={version.message} />
                  </p>
                )}
              </div>
            ),
          },
          {
            id: "author",
            title: "Author",
            width: "minmax(0, 8rem)",
            from: "md",
            cell: ({ created_by }) => <span className="block truncate">{created_by.username}</span>,
          },
          {
            id: "created",
            title: "Created",
            width: "8rem",
            from: "sm",
            cell: ({ created_at }) => <Ago time={created_at} />,
          },
          {
            id: "import",
            title: "Import",
            width: "7rem",
            from: "sm",
            cell: ({ job }) => <JobStatusPill status={job.status} />,
          },
          ...(may?.update
            ? [
                {
                  id: "acts",
                  title: "Actions",
                  quiet: true,
                  end: true,
                  width: "2.25rem",
                  cell: (version: TemplateVersion) => <Acts version={version} onAsk={setAsked} />,
                },
              ]
            : []),
        ]}
      />
      {asked?.what === "promote" && (
        <PromoteVersion template={template} version={asked.version} onClose={() => setAsked(undefined)} />
      )}
      {asked?.what === "edit" && (
        <EditVersion template={template} version={asked.version} onClose={() => setAsked(undefined)} />
      )}
    </div>
  );
}

function Acts({ version, onAsk }: { version: TemplateVersion; onAsk(asked: Asked): void }) {
  const template = useTemplate();
  const queries = useQueryClient();
  const act = useAct();
  const active = version.id === template.active_version_id;
  const params = { version: version.id };
  const refresh = () => queries.invalidateQueries({ queryKey: ["versions", template.id] });
  return (
    <Menu
      label={`Actions for ${version.name}`}
      trigger={
        <IconButton label={`More actions for ${version.name}`}>
          <Ellipsis aria-hidden />
        </IconButton>
      }
    >
      {!active && !version.archived && version.job.status === "succeeded" && (
        <MenuItem icon={<Rocket aria-hidden />} onSelect={() => onAsk({ what: "promote", version })}>
          Activate…
        </MenuItem>
      )}
      <MenuItem icon={<Pencil aria-hidden />} onSelect={() => onAsk({ what: "edit", version })}>
        Edit name and message…
      </MenuItem>
      {!active && (
        <MenuItem
          icon={<GitCompareArrows aria-hidden />}
          to={`/templates/${template.name}/versions/${version.name}?compare=active`}
        >
          Compare with the active version
        </MenuItem>
      )}
      {!active && (
        <>
          <MenuLine />
          {version.archived ? (
            <MenuItem
              icon={<ArchiveRestore aria-hidden />}
              onSelect={() =>
                act(
                  () => client.templateVersionUnarchive({ params }).then(refresh),
                  `${version.name} unarchived.`,
                )
              }
            >
              Unarchive
            </MenuItem>
          ) : (
            <MenuItem
              icon={<Archive aria-hidden />}
              onSelect={() =>
                act(
                  () => client.templateVersionArchive({ params }).then(refresh),
                  `${version.name} archived.`,
                )
              }
            >
              Archive
            </MenuItem>
          )}
        </>
      )}
    </Menu>
  );
}

/** Archives every version that no workspace uses. */
function ArchiveUnused() {
  const template = useTemplate();
  const queries = useQueryClient();
  const toasts = useToasts();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button size="sm" icon={<Archive aria-hidden />} onClick={() => setAsking(true)}>
        Archive unused…
      </Button>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title="Archive unused versions?"
        description="Archives every version that is not active and that no workspace uses. Archived versions can be unarchived."
        action="Archive versions"
        onConfirm={async () => {
          const { archived_ids } = await client.templateVersionArchiveUnused({
            params: { template: template.id },
            body: { all: true },
          });
          await queries.invalidateQueries({ queryKey: ["versions", template.id] });
          toasts.done(
            archived_ids.length === 1 ? "1 version archived." : `${archived_ids.length} versions archived.`,
          );
        }}
      />
    </>
  );
}

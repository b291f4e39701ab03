import type { Template, TemplateVersion } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { Rocket } from "lucide-react";
import { useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import { isFleetError } from "../api/errors.js";
import { templatePermissionsQuery, templateQuery, versionByNameQuery } from "../api/templates.js";
import { ImportLog } from "../modules/builds/build-log.js";
import { JobStatusPill } from "../modules/builds/job-status.js";
import { QueueNotice } from "../modules/builds/queue-notice.js";
import { Ago } from "../modules/format/time.js";
import { Markdown } from "../modules/markdown/markdown.js";
import { PromoteVersion } from "../modules/templates/promote.js";
import { VersionChanges } from "../modules/templates/version-changes.js";
import { Button } from "../modules/ui/button.js";
import { ErrorNotice, Notice } from "../modules/ui/notice.js";
import { Badge, PageHeader, Skeleton, useTitle } from "../modules/ui/page.js";
import { NotFoundPage } from "./not-found.js";

/** `/templates/:template/versions/:version?compare=active`: a version's changes and import log. */
export function TemplateVersionPage() {
  const { template: templateName = "", version: versionName = "" } = useParams();
  useTitle(`${templateName} ${versionName}`);
  const template = useQuery(templateQuery(templateName));
  const version = useQuery({
    ...versionByNameQuery(template.data?.id ?? "", versionName),
    enabled: template.data !== undefined,
  });
  const error = template.error ?? version.error;
  if (isFleetError(error, "not_found")) return <NotFoundPage />;
  if (error && !version.data) {
    const retry = () => void (template.isError ? template.refetch() : version.refetch());
    return <ErrorNotice error={error} onRetry={retry} />;
  }
  if (!version.data || !template.data) return <Skeleton className="h-64 w-full rounded-xl" />;
  return <LoadedVersion template={template.data} version={version.data} />;
}

function LoadedVersion({ template, version }: { template: Template; version: TemplateVersion }) {
  const { id, name, message, job, created_by, created_at, archived, matched_provisioners } = version;
  const may = useQuery(templatePermissionsQuery(template.id)).data;
  const [promoting, setPromoting] = useState(false);
  const [search, setSearch] = useSearchParams();
  const active = id === template.active_version_id;
  const succeeded = job.status === "succeeded";
  const log = (
    <section className="flex flex-col gap-3">
      <h2 className="text-base">Import log</h2>
      <div className="overflow-hidden rounded-lg">
        <ImportLog version={version} />
      </div>
    </section>
  );
  return (
    <div className="flex flex-col gap-5">
      <PageHeader
        crumbs={[
          { to: "/templates", label: "Templates" },
          { to: `/templates/${template.name}`, label: template.display_name || template.name },
          { to: `/templates/${template.name}/versions`, label: "Versions" },
        ]}
        title={
          <span className="flex items-center gap-2.5">
            <span className="truncate font-mono">{name}</span>
            {active && <Badge tone="ok">Active</Badge>}
            {archived && <Badge>Archived</Badge>}
            {!succeeded && <JobStatusPill status={job.status} />}
          </span>
        }
        lead={
          <>
            {created_by.username}, <Ago time={created_at} />
          </>
        }
        actions={
          succeeded &&
          !archived && (
            <>
              <Button asChild>
                <Link to={`/templates/${template.name}/workspace?version=${id}`}>Create workspace</Link>
              </Button>
              {may?.update && !active && (
                <Button look="primary" icon={<Rocket aria-hidden />} onClick={() => setPromoting(true)}>
                  Activate…
                </Button>
              )}
            </>
          )
        }
      />
      {job.status === "pending" && <QueueNotice job={job} matched={matched_provisioners} />}
      {job.error && (
        <Notice tone="bad" title="The import failed">
          <p className="whitespace-pre-wrap">{job.error}</p>
        </Notice>
      )}
      {message && <Markdown text={message} />}
      {!succeeded && log}
      {may?.update && (
        <VersionChanges
          template={template}
          version={version}
          toActive={search.get("compare") === "active"}
          onCompare={(toActive) => setSearch(toActive ? { compare: "active" } : {}, { replace: true })}
        />
      )}
      {succeeded && log}
      {promoting && (
        <PromoteVersion template={template} version={version} onClose={() => setPromoting(false)} />
      )}
    </div>
  );
}

import { useQuery } from "@tanstack/react-query";
import { ArrowLeft } from "lucide-react";
import { Link, useParams } from "react-router";
import { isFleetError } from "../api/errors.js";
import { templateQuery, versionByNameQuery } from "../api/templates.js";
import { ImportLog } from "../modules/builds/build-log.js";
import { JobStatusPill } from "../modules/builds/job-status.js";
import { QueueNotice } from "../modules/builds/queue-notice.js";
import { Ago } from "../modules/format/time.js";
import { Markdown } from "../modules/markdown/markdown.js";
import { Button } from "../modules/ui/button.js";
import { ErrorNotice, Notice } from "../modules/ui/notice.js";
import { PageHeader, Section, Skeleton, useTitle } from "../modules/ui/page.js";
import { NotFoundPage } from "./not-found.js";

/** `/templates/:template/versions/:version`: a version's changes and import log. */
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
  if (!version.data) return <Skeleton className="h-64 w-full rounded-xl" />;
  const { id, name, message, job, created_by, created_at } = version.data;
  return (
    <div className="flex flex-col gap-5">
      <Link
        to={`/templates/${templateName}`}
        className="-mb-2 flex w-fit items-center gap-1.5 rounded text-muted text-sm hover:text-ink"
      >
        <ArrowLeft className="size-3.5" aria-hidden />
        {template.data?.display_name || templateName}
      </Link>
      <PageHeader
        title={
          <span className="flex items-center gap-2.5">
            <span className="truncate">{name}</span>
            <JobStatusPill status={job.status} />
          </span>
        }
        lead={
          <>
            {created_by.username}, <Ago time={created_at} />
          </>
        }
        actions={
          job.status === "succeeded" && (
            <Button asChild>
              <Link to={`/templates/${templateName}/workspace?version=${id}`}>Create workspace</Link>
            </Button>
          )
        }
      />
      {job.status === "pending" && <QueueNotice job={job} matched={version.data.matched_provisioners} />}
      {job.error && (
        <Notice tone="bad" title="The import failed">
          <p className="whitespace-pre-wrap">{job.error}</p>
        </Notice>
      )}
      {message && (
        <Section title="Message">
          <Markdown text={message} />
        </Section>
      )}
      <div className="overflow-hidden rounded-xl">
        <Section title="Import log" flush>
          <ImportLog version={version.data} />
        </Section>
      </div>
    </div>
  );
}

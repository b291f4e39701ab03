import type { Template, TemplateVersion } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { Link, useParams } from "react-router";
import { client } from "../api/client.js";
import { isFleetError } from "../api/errors.js";
import { templateQuery, versionQuery, versionsQuery } from "../api/templates.js";
import { Ago, duration } from "../modules/format/time.js";
import { IconTile } from "../modules/icons/icon.js";
import { Markdown } from "../modules/markdown/markdown.js";
import { usePermissions } from "../modules/session/session.js";
import { Button } from "../modules/ui/button.js";
import { Confirm } from "../modules/ui/confirm.js";
import { ErrorNotice, Notice } from "../modules/ui/notice.js";
import { Badge, PageHeader, Section, Skeleton, useTitle } from "../modules/ui/page.js";
import { useToasts } from "../modules/ui/toast.js";
import { NotFoundPage } from "./not-found.js";

/** `/templates/:template`: what it is, and its versions. */
export function TemplatePage() {
  const { template: name = "" } = useParams();
  const template = useQuery(templateQuery(name));
  useTitle(template.data?.display_name || name);
  if (isFleetError(template.error, "not_found")) return <NotFoundPage />;
  if (template.isError) return <ErrorNotice error={template.error} onRetry={() => void template.refetch()} />;
  if (template.isPending) return <Skeleton className="h-64 w-full rounded-xl" />;
  return <LoadedTemplate template={template.data} />;
}

function LoadedTemplate({ template }: { template: Template }) {
  const active = useQuery(versionQuery(template.active_version_id));
  return (
    <div className="flex flex-col gap-5">
      <PageHeader
        icon={<IconTile url={template.icon} hints={[template.name]} size={42} />}
        title={template.display_name || template.name}
        lead={template.description || (template.display_name && template.name)}
        actions={
          !template.deprecated && (
            <Button look="primary" asChild>
              <Link to={`/templates/${template.name}/workspace`}>
                <Plus aria-hidden />
                Create workspace
              </Link>
            </Button>
          )
        }
      />
      {template.deprecated && (
        <Notice tone="warn" title="This template is deprecated">
          {template.deprecation_message ||
            "Workspaces made from it go on; create others from another template."}
        </Notice>
      )}
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <Section title="About">
          {active.isPending && <Skeleton className="h-32 w-full" />}
          {active.isError && <ErrorNotice error={active.error} />}
          {active.data &&
            (active.data.readme.trim() ? (
              <Markdown text={active.data.readme} />
            ) : (
              <p className="text-muted">The template has no README.</p>
            ))}
        </Section>
        <div className="flex flex-col gap-5">
          <Facts template={template} />
          <Versions template={template} />
        </div>
      </div>
    </div>
  );
}

function Facts({ template }: { template: Template }) {
  const hours = (ms: number) => (ms > 0 ? duration(ms) : "never");
  const start = template.build_time_stats.start?.P50;
  const facts: [string, string][] = [
    ["Developers", template.active_user_count < 0 ? "not known" : String(template.active_user_count)],
    ["A start takes", start ? duration(start) : "not known yet"],
    ["Stops after", hours(template.default_ttl_ms)],
    ["Made by", template.created_by_name],
  ];
  return (
    <Section title="Facts">
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1.5">
        {facts.map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-muted">{name}</dt>
            <dd className="text-right">{value}</dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}

const JOB_TONES = { succeeded: "ok", failed: "bad", canceled: "warn" } as const;

function Versions({ template }: { template: Template }) {
  const queries = useQueryClient();
  const toasts = useToasts();
  const permissions = usePermissions();
  const versions = useQuery(versionsQuery(template.id));
  const [promoting, setPromoting] = useState<TemplateVersion>();
  return (
    <Section title="Versions" flush>
      {versions.isPending && <Skeleton className="mx-5 mb-5 h-16" />}
      {versions.isError && (
        <div className="px-5 pb-5">
          <ErrorNotice error={versions.error} />
        </div>
      )}
      <ol className="max-h-96 divide-y divide-line overflow-y-auto border-line border-t">
        {versions.data?.map((version) => (
          <li key={version.id} className="flex items-center gap-3 px-4 py-2.5 sm:px-5">
            <div className="min-w-0 flex-1">
              <p className="flex items-center gap-2">
                <Link
                  to={`/templates/${template.name}/versions/${version.name}`}
                  className="truncate rounded font-medium hover:underline"
                >
                  {version.name}
                </Link>
                {version.id === template.active_version_id && <Badge tone="accent">active</Badge>}
                {version.job.status !== "succeeded" && (
                  <Badge tone={JOB_TONES[version.job.status as keyof typeof JOB_TONES] ?? "plain"}>
                    {version.job.status}
                  </Badge>
                )}
              </p>
              <p className="truncate text-muted text-sm" title={version.message}>
                {version.created_by.username}, <Ago time={version.created_at} />
                {version.message && ` · ${version.message}`}
              </p>
            </div>
            {permissions.updateTemplates &&
              version.id !== template.active_version_id &&
              version.job.status === "succeeded" && (
                <Button size="sm" look="ghost" onClick={() => setPromoting(version)}>
                  Activate
                </Button>
              )}
          </li>
        ))}
      </ol>
      <Confirm
        open={promoting !== undefined}
        onClose={() => setPromoting(undefined)}
        title={`Make ${promoting?.name} the active version?`}
        description="Workspaces are created from it from now on. Those that exist are told that there is an update."
        action="Activate"
        onConfirm={async () => {
          await client.templateVersionPromote({
            params: { template: template.id },
            body: { id: promoting!.id },
          });
          await queries.invalidateQueries({ queryKey: ["template", template.name] });
          toasts.done("The version is active.");
        }}
      />
    </Section>
  );
}

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
import { InlineMarkdown, Markdown } from "../modules/markdown/markdown.js";
import { usePermissions } from "../modules/session/session.js";
import { Button } from "../modules/ui/button.js";
import { Confirm } from "../modules/ui/confirm.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Notice } from "../modules/ui/notice.js";
import { Badge, PageHeader, Section, Skeleton, useTitle } from "../modules/ui/page.js";
import { useToasts } from "../modules/ui/toast.js";
import { NotFoundPage } from "./not-found.js";

/** `/templates/:template`: its README and versions. */
export function TemplatePage() {
  const { template: name = "" } = useParams();
  const template = useQuery(templateQuery(name));
  useTitle(template.data?.display_name || name);
  if (isFleetError(template.error, "not_found")) return <NotFoundPage />;
  return (
    <Loaded query={template} skeleton={<Skeleton className="h-64 w-full rounded-xl" />}>
      {(found) => <LoadedTemplate template={found} />}
    </Loaded>
  );
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
          {template.deprecation_message ? (
            <InlineMarkdown text={template.deprecation_message} />
          ) : (
            "Existing workspaces keep working. Use another template for new workspaces."
          )}
        </Notice>
      )}
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <Section title="About">
          <Loaded query={active} skeleton={<Skeleton className="h-32 w-full" />}>
            {({ readme }) =>
              readme.trim() ? (
                <Markdown text={readme} />
              ) : (
                <p className="text-muted">The template has no README.</p>
              )
            }
          </Loaded>
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
  const hours = (ms: number) => (ms > 0 ? duration(ms) : "Never");
  const start = template.build_time_stats.start?.P50;
  const facts: [string, string][] = [
    ["Developers", template.active_user_count < 0 ? "Unknown" : String(template.active_user_count)],
    ["Start time (median)", start ? duration(start) : "Unknown"],
    ["Autostop after", hours(template.default_ttl_ms)],
    ["Created by", template.created_by_name],
  ];
  return (
    <Section title="Details">
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
      <Loaded query={versions} skeleton={<Skeleton className="mx-5 mb-5 h-16" />} padded>
        {(list) => (
          <ol className="max-h-96 divide-y divide-line overflow-y-auto border-line border-t">
            {list.map((version) => (
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
                    {version.message && (
                      <>
                        {" · "}
                        <InlineMarkdown text={version.message} />
                      </>
                    )}
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
        )}
      </Loaded>
      <Confirm
        open={promoting !== undefined}
        onClose={() => setPromoting(undefined)}
        title={`Activate ${promoting?.name}?`}
        description="New workspaces use this version. Existing workspaces are offered an update."
        action="Activate version"
        onConfirm={async () => {
          await client.templateVersionPromote({
            params: { template: template.id },
            body: { id: promoting!.id },
          });
          await queries.invalidateQueries({ queryKey: ["template", template.name] });
          toasts.done("Version activated.");
        }}
      />
    </Section>
  );
}

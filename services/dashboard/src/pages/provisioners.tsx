import type { ProvisionerDaemon, ProvisionerJob } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { ListTodo, Server } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { daemonsQuery, jobsQuery } from "../api/deployment.js";
import { organizationsQuery } from "../api/users.js";
import { JobStatusPill } from "../modules/builds/job-status.js";
import { Ago } from "../modules/format/time.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Badge, Empty, PageHeader, Section, SkeletonRows, useTitle } from "../modules/ui/page.js";
import { Pill } from "../modules/ui/pill.js";
import { Select } from "../modules/ui/select.js";

/** `/deployment/provisioners`: who builds, and what waits to be built. */
export function ProvisionersPage() {
  useTitle("Provisioners");
  const organizations = useQuery(organizationsQuery).data ?? [];
  const [chosen, setChosen] = useState<string>();
  const organization = chosen ?? organizations.find(({ is_default }) => is_default)?.id ?? "default";
  const daemons = useQuery(daemonsQuery(organization));
  const jobs = useQuery(jobsQuery(organization));
  return (
    <div className="flex flex-col gap-5">
      <PageHeader
        title="Provisioners"
        lead="Provisioners run Terraform. Each runs one job at a time."
        actions={
          organizations.length > 1 && (
            <Select
              label="Organization"
              className="w-56!"
              value={organization}
              options={organizations.map(({ id, name, display_name }) => ({
                value: id,
                label: display_name || name,
              }))}
              onChange={setChosen}
            />
          )
        }
      />
      <Section title="Daemons" flush>
        <Loaded query={daemons} skeleton={<SkeletonRows rows={2} />} padded>
          {(list) =>
            list.length === 0 ? (
              <Empty icon={<Server aria-hidden />} title="No provisioners">
                Workspaces cannot be built until a provisioner connects. Start one with{" "}
                <code className="font-mono">coder provisioner start</code>.
              </Empty>
            ) : (
              <ul className="divide-y divide-line">
                {list.map((daemon) => (
                  <DaemonRow key={daemon.id} daemon={daemon} />
                ))}
              </ul>
            )
          }
        </Loaded>
      </Section>
      <Section title="Jobs" flush>
        <Loaded query={jobs} skeleton={<SkeletonRows />} padded>
          {(list) =>
            list.length === 0 ? (
              <Empty icon={<ListTodo aria-hidden />} title="No jobs" />
            ) : (
              <ul className="divide-y divide-line">
                {list.map((job) => (
                  <JobRow key={job.id} job={job} />
                ))}
              </ul>
            )
          }
        </Loaded>
      </Section>
    </div>
  );
}

const DAEMONS = {
  idle: { tone: "ok", label: "Idle" },
  busy: { tone: "busy", label: "Busy" },
  offline: { tone: "idle", label: "Offline" },
} as const;

function DaemonRow({ daemon }: { daemon: ProvisionerDaemon }) {
  const { tone, label } = DAEMONS[daemon.status ?? "offline"];
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1.5 px-4 py-3 sm:px-5">
      <div className="min-w-0 flex-1 basis-48">
        <p className="truncate font-medium">{daemon.name}</p>
        <p className="truncate text-muted text-sm">
          {daemon.version} · last seen <Ago time={daemon.last_seen_at} />
          {daemon.current_job &&
            ` · building ${daemon.current_job.template_display_name || daemon.current_job.template_name}`}
        </p>
      </div>
      <Tags tags={daemon.tags} />
      <Pill tone={tone}>{label}</Pill>
    </li>
  );
}

/** The tags that say something: everything of the organization has the scope `organization`. */
function Tags({ tags }: { tags: Record<string, string> }) {
  const telling = Object.entries(tags).filter(
    ([key, value]) => value !== "" && !(key === "scope" && value === "organization"),
  );
  if (telling.length === 0) return null;
  return (
    <span className="flex flex-wrap gap-1">
      {telling.map(([key, value]) => (
        <Badge key={key}>
          {key}={value}
        </Badge>
      ))}
    </span>
  );
}

const JOB_NAMES = {
  template_version_import: "Template version import",
  workspace_build: "Workspace build",
  template_version_dry_run: "Dry run",
} as const;

function JobRow({ job }: { job: ProvisionerJob }) {
  const { metadata } = job;
  const template = metadata.template_display_name || metadata.template_name;
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1.5 px-4 py-3 sm:px-5">
      <div className="min-w-0 flex-1 basis-48">
        <p className="truncate font-medium">
          {JOB_NAMES[job.type]}
          {metadata.workspace_name && (
            <span className="font-normal text-muted"> {metadata.workspace_name}</span>
          )}
        </p>
        <p className="truncate text-muted text-sm">
          {metadata.template_name && (
            <>
              <Link to={`/templates/${metadata.template_name}`} className="rounded hover:underline">
                {template}
              </Link>{" "}
              <Link
                to={`/templates/${metadata.template_name}/versions/${metadata.template_version_name}`}
                className="rounded hover:underline"
              >
                {metadata.template_version_name}
              </Link>{" "}
              ·{" "}
            </>
          )}
          <Ago time={job.created_at} />
          {job.worker_name && ` · ${job.worker_name}`}
          {job.status === "pending" &&
            job.queue_size > 0 &&
            ` · ${job.queue_position} of ${job.queue_size} in the queue`}
        </p>
        {job.error && <p className="truncate text-bad text-sm">{job.error}</p>}
      </div>
      <Tags tags={job.tags} />
      <JobStatusPill status={job.status} />
    </li>
  );
}

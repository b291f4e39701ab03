import type { ProvisionerDaemon, ProvisionerJob } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { ListTodo, Server } from "lucide-react";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { daemonsQuery, jobsQuery } from "../api/deployment.js";
import { organizationsQuery } from "../api/users.js";
import { ProvisionerKeys } from "../modules/admin/provisioner-keys.js";
import { JobActions, JobPurpose } from "../modules/builds/job-row.js";
import { JobStatusPill } from "../modules/builds/job-status.js";
import { JobTags } from "../modules/builds/job-tags.js";
import { Ago } from "../modules/format/time.js";
import { usePermissions } from "../modules/session/session.js";
import { Button } from "../modules/ui/button.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { FormSection } from "../modules/ui/form-section.js";
import { Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Pill } from "../modules/ui/pill.js";
import { Select } from "../modules/ui/select.js";
import { type Column, Table } from "../modules/ui/table.js";

const PAGE_SIZE = 50;
/** Maximum number of jobs shown; beyond this, use the filter. */
const MOST_JOBS = 500;

const JOB_STATES = [
  { value: "", label: "Any status" },
  { value: "pending", label: "Pending" },
  { value: "running", label: "Running" },
  { value: "succeeded", label: "Succeeded" },
  { value: "failed", label: "Failed" },
  { value: "canceled", label: "Canceled" },
];

/** `/deployment/provisioners?status=&limit=`: provisioner daemons, their keys and jobs. */
export function ProvisionersPage() {
  useTitle("Provisioners");
  const permissions = usePermissions();
  return (
    <Allowed allowed={permissions.readProvisioners}>
      <Provisioners />
    </Allowed>
  );
}

function Provisioners() {
  const permissions = usePermissions();
  const organizations = useQuery(organizationsQuery).data ?? [];
  const [chosen, setChosen] = useState<string>();
  const organization = chosen ?? organizations.find(({ is_default }) => is_default)?.id ?? "default";
  return (
    <Page width="fluid">
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
      <div className="flex flex-col gap-8">
        <Daemons organization={organization} />
        <Jobs organization={organization} />
        {permissions.readKeys && <ProvisionerKeys organization={organization} />}
      </div>
    </Page>
  );
}

const DAEMONS = {
  idle: { tone: "ok", label: "Idle" },
  busy: { tone: "busy", label: "Busy" },
  offline: { tone: "idle", label: "Offline" },
} as const;

const DAEMON_COLUMNS: Column<ProvisionerDaemon>[] = [
  {
    id: "name",
    title: "Daemon",
    width: "minmax(0, 2fr)",
    cell: ({ name, current_job }) => (
      <span className="block py-1.5">
        <span className="block truncate font-medium">{name}</span>
        {current_job && (
          <span className="block truncate text-muted text-sm">
            Building {current_job.template_display_name || current_job.template_name}
          </span>
        )}
      </span>
    ),
  },
  {
    id: "tags",
    title: "Tags",
    width: "minmax(0, 1fr)",
    from: "lg",
    cell: ({ tags }) => <JobTags tags={tags} />,
  },
  { id: "key", title: "Key", width: "8rem", from: "xl", cell: ({ key_name }) => key_name },
  {
    id: "version",
    title: "Version",
    width: "minmax(0, 8rem)",
    from: "md",
    cell: ({ version }) => <span className="block truncate">{version}</span>,
  },
  {
    id: "seen",
    title: "Last seen",
    width: "8rem",
    from: "sm",
    cell: ({ last_seen_at }) => <Ago time={last_seen_at} />,
  },
  {
    id: "status",
    title: "Status",
    width: "6rem",
    cell: ({ status }) => {
      const { tone, label } = DAEMONS[status ?? "offline"];
      return <Pill tone={tone}>{label}</Pill>;
    },
  },
];

function Daemons({ organization }: { organization: string }) {
  const daemons = useQuery(daemonsQuery(organization));
  return (
    <FormSection title="Daemons" table>
      <Table
        label="Daemons"
        rows={daemons.data}
        keyOf={({ id }) => id}
        error={daemons.error}
        onRetry={() => void daemons.refetch()}
        columns={DAEMON_COLUMNS}
        empty={
          <Empty icon={<Server aria-hidden />} title="No provisioners">
            Workspaces cannot be built until a provisioner connects. Start one with{" "}
            <code className="font-mono">coder provisioner start</code>.
          </Empty>
        }
      />
    </FormSection>
  );
}

function Jobs({ organization }: { organization: string }) {
  const permissions = usePermissions();
  const [search, setSearch] = useSearchParams();
  const status = search.get("status") ?? "";
  const limit = Math.min(MOST_JOBS, Math.max(PAGE_SIZE, Number(search.get("limit")) || PAGE_SIZE));
  const jobs = useQuery(jobsQuery(organization, { status, limit }));
  const count = jobs.data?.length ?? 0;
  const columns: Column<ProvisionerJob>[] = [
    {
      id: "job",
      title: "Job",
      width: "minmax(0, 2fr)",
      cell: (job) => <JobPurpose job={job} />,
    },
    {
      id: "tags",
      title: "Tags",
      width: "minmax(0, 1fr)",
      from: "xl",
      cell: ({ tags }) => <JobTags tags={tags} />,
    },
    {
      id: "worker",
      title: "Daemon",
      width: "minmax(0, 8rem)",
      from: "lg",
      cell: ({ worker_name }) => <span className="block truncate">{worker_name}</span>,
    },
    {
      id: "created",
      title: "Created",
      width: "8rem",
      from: "sm",
      cell: ({ created_at }) => <Ago time={created_at} />,
    },
    {
      id: "status",
      title: "Status",
      width: "7rem",
      cell: (job) => (
        <span>
          <JobStatusPill status={job.status} />
          {job.status === "pending" && job.queue_size > 0 && (
            <span className="block text-muted text-xs">
              {job.queue_position} of {job.queue_size} in the queue
            </span>
          )}
        </span>
      ),
    },
    {
      id: "acts",
      title: "Actions",
      quiet: true,
      end: true,
      width: "2.25rem",
      cell: (job) => <JobActions job={job} mayCancel={permissions.updateTemplates ?? false} />,
    },
  ];
  return (
    <FormSection
      table
      title="Jobs"
      action={
        <Select
          label="Status"
          className="w-40!"
          value={status}
          options={JOB_STATES}
          onChange={(next) => setSearch(next ? { status: next } : {}, { replace: true })}
        />
      }
    >
      <Table
        label="Jobs"
        rows={jobs.data}
        keyOf={({ id }) => id}
        error={jobs.error}
        onRetry={() => void jobs.refetch()}
        rowPx={60}
        columns={columns}
        empty={<Empty icon={<ListTodo aria-hidden />} title="No jobs" />}
      />
      {count >= limit && limit < MOST_JOBS && (
        <div className="flex justify-center">
          <Button
            size="sm"
            pending={jobs.isPlaceholderData}
            onClick={() =>
              setSearch(
                { ...(status ? { status } : {}), limit: String(limit + PAGE_SIZE) },
                { replace: true },
              )
            }
          >
            Show more
          </Button>
        </div>
      )}
    </FormSection>
  );
}

import type { ProvisionerDaemon } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { ListTodo, Server } from "lucide-react";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { daemonsQuery, jobsQuery } from "../api/deployment.js";
import { organizationsQuery } from "../api/users.js";
import { JobRow } from "../modules/builds/job-row.js";
import { JobTags } from "../modules/builds/job-tags.js";
import { Ago } from "../modules/format/time.js";
import { usePermissions } from "../modules/session/session.js";
import { Button } from "../modules/ui/button.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Empty, PageHeader, Section, SkeletonRows, useTitle } from "../modules/ui/page.js";
import { Pill } from "../modules/ui/pill.js";
import { Select } from "../modules/ui/select.js";

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

/** `/deployment/provisioners?status=&limit=`: provisioner daemons and jobs. */
export function ProvisionersPage() {
  useTitle("Provisioners");
  const permissions = usePermissions();
  const organizations = useQuery(organizationsQuery).data ?? [];
  const [chosen, setChosen] = useState<string>();
  const organization = chosen ?? organizations.find(({ is_default }) => is_default)?.id ?? "default";
  if (permissions.readProvisioners === false) {
    return (
      <Empty icon={<Server aria-hidden />} title="You do not have access to provisioners">
        Ask your administrator if you need it.
      </Empty>
    );
  }
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
      <Daemons organization={organization} />
      <Jobs organization={organization} />
    </div>
  );
}

function Daemons({ organization }: { organization: string }) {
  const daemons = useQuery(daemonsQuery(organization));
  return (
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
  );
}

function Jobs({ organization }: { organization: string }) {
  const permissions = usePermissions();
  const [search, setSearch] = useSearchParams();
  const status = search.get("status") ?? "";
  const limit = Math.min(MOST_JOBS, Math.max(PAGE_SIZE, Number(search.get("limit")) || PAGE_SIZE));
  const jobs = useQuery(jobsQuery(organization, { status, limit }));
  return (
    <Section
      title="Jobs"
      flush
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
      <Loaded query={jobs} skeleton={<SkeletonRows />} padded>
        {(list) =>
          list.length === 0 ? (
            <Empty icon={<ListTodo aria-hidden />} title="No jobs" />
          ) : (
            <>
              <ul className="divide-y divide-line">
                {list.map((job) => (
                  <JobRow key={job.id} job={job} mayCancel={permissions.updateTemplates ?? false} />
                ))}
              </ul>
              {list.length >= limit && limit < MOST_JOBS && (
                <div className="flex justify-center border-line border-t py-3">
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
            </>
          )
        }
      </Loaded>
    </Section>
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
      <JobTags tags={daemon.tags} />
      <Pill tone={tone}>{label}</Pill>
    </li>
  );
}

import type { ProvisionerJob } from "@fleet/sdk";
import { useQueryClient } from "@tanstack/react-query";
import { ScrollText, X } from "lucide-react";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { client } from "../../api/client.js";
import { jobsKey } from "../../api/deployment.js";
import { buildPath } from "../../paths.js";
import { Ago } from "../format/time.js";
import { Button } from "../ui/button.js";
import { Confirm } from "../ui/confirm.js";
import { useAct } from "../ui/toast.js";
import { JobStatusPill } from "./job-status.js";
import { JobTags } from "./job-tags.js";

const JOB_NAMES = {
  template_version_import: "Template version import",
  workspace_build: "Workspace build",
  template_version_dry_run: "Dry run",
  workspace_plan: "Plan",
} as const;

/** A job in the queue: its purpose, its status, and a link to its log. */
export function JobRow({ job, mayCancel }: { job: ProvisionerJob; mayCancel: boolean }) {
  const { metadata } = job;
  const versionPath = `/templates/${metadata.template_name}/versions/${metadata.template_version_name}`;
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
                {metadata.template_display_name || metadata.template_name}
              </Link>{" "}
              <Link to={versionPath} className="rounded hover:underline">
                {metadata.template_version_name}
              </Link>{" "}
              ·{" "}
            </>
          )}
          <Ago time={job.created_at} />
          {job.worker_name && ` · ${job.worker_name}`}
          {job.status === "pending" &&
            job.queue_size > 0 &&
            ` · position ${job.queue_position} of ${job.queue_size} in the queue`}
        </p>
        {job.error && <p className="truncate text-bad text-sm">{job.error}</p>}
      </div>
      <JobTags tags={job.tags} />
      <JobStatusPill status={job.status} />
      <JobActions job={job} mayCancel={mayCancel} versionPath={versionPath} />
    </li>
  );
}

function JobActions(props: { job: ProvisionerJob; mayCancel: boolean; versionPath: string }) {
  const { job, mayCancel, versionPath } = props;
  const { workspace_build_id: build, template_version_id: version } = job.input;
  const navigate = useNavigate();
  const queries = useQueryClient();
  const act = useAct();
  const [asked, setAsked] = useState(false);
  const active = job.status === "pending" || job.status === "running";
  const openBuild = async (id: string) => {
    const found = await client.workspaceBuildGet({ params: { build: id } });
    const workspace = { owner_name: found.workspace_owner_name, name: found.workspace_name };
    await navigate(buildPath(workspace, found.build_number));
  };
  const cancel = async () => {
    if (build) await client.workspaceBuildCancel({ params: { build } });
    else if (version) await client.templateVersionCancel({ params: { version } });
    await queries.invalidateQueries({ queryKey: jobsKey });
  };
  return (
    <span className="flex items-center gap-1">
      {active && mayCancel && (build || job.type === "template_version_import") && (
        <Button size="sm" look="ghost" icon={<X aria-hidden />} onClick={() => setAsked(true)}>
          Cancel
        </Button>
      )}
      {build ? (
        <Button
          size="sm"
          look="ghost"
          icon={<ScrollText aria-hidden />}
          onClick={() => act(() => openBuild(build))}
        >
          View log
        </Button>
      ) : (
        job.type === "template_version_import" &&
        job.metadata.template_name && (
          <Button size="sm" look="ghost" asChild>
            <Link to={versionPath}>
              <ScrollText aria-hidden />
              View log
            </Link>
          </Button>
        )
      )}
      <Confirm
        open={asked}
        onClose={() => setAsked(false)}
        danger
        title="Cancel the job?"
        description="Resources may be left partially created."
        action="Cancel job"
        cancel="Keep running"
        onConfirm={cancel}
      />
    </span>
  );
}

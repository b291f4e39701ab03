import type { ProvisionerJob } from "@fleet/sdk";
import { useQueryClient } from "@tanstack/react-query";
import { Ellipsis, ScrollText, X } from "lucide-react";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { client } from "../../api/client.js";
import { jobsKey } from "../../api/deployment.js";
import { buildPath } from "../../paths.js";
import { IconButton } from "../ui/button.js";
import { Confirm } from "../ui/confirm.js";
import { Menu, MenuItem, MenuLine } from "../ui/menu.js";
import { useAct } from "../ui/toast.js";

const JOB_NAMES = {
  template_version_import: "Template version import",
  workspace_build: "Workspace build",
  template_version_dry_run: "Dry run",
  workspace_plan: "Plan",
} as const;

const versionPath = ({ metadata }: ProvisionerJob) =>
  `/templates/${metadata.template_name}/versions/${metadata.template_version_name}`;

/** What a job is for, and its error. */
export function JobPurpose({ job }: { job: ProvisionerJob }) {
  const { metadata, error } = job;
  return (
    <span className="block py-1.5">
      <span className="block truncate font-medium">
        {JOB_NAMES[job.type]}
        {metadata.workspace_name && (
          <span className="font-normal text-muted"> {metadata.workspace_name}</span>
        )}
      </span>
      {error ? (
        <span className="block truncate text-bad text-sm" title={error}>
          {error}
        </span>
      ) : (
        metadata.template_name && (
          <span className="block truncate text-muted text-sm">
            <Link to={`/templates/${metadata.template_name}`} className="rounded hover:underline">
              {metadata.template_display_name || metadata.template_name}
            </Link>{" "}
            <Link to={versionPath(job)} className="rounded hover:underline">
              {metadata.template_version_name}
            </Link>
          </span>
        )
      )}
    </span>
  );
}

/** Opens a job's log, or cancels it. */
export function JobActions({ job, mayCancel }: { job: ProvisionerJob; mayCancel: boolean }) {
  const { workspace_build_id: build, template_version_id: version } = job.input;
  const navigate = useNavigate();
  const queries = useQueryClient();
  const act = useAct();
  const [asked, setAsked] = useState(false);
  const isImport = job.type === "template_version_import";
  const active = job.status === "pending" || job.status === "running";
  const cancelable = active && mayCancel && (build !== undefined || isImport);
  const hasLog = build !== undefined || (isImport && job.metadata.template_name !== "");
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
  if (!cancelable && !hasLog) return null;
  return (
    <>
      <Menu
        label="Job"
        trigger={
          <IconButton label={`Actions for ${JOB_NAMES[job.type].toLowerCase()} ${job.id.slice(0, 8)}`}>
            <Ellipsis aria-hidden />
          </IconButton>
        }
      >
        {build ? (
          <MenuItem icon={<ScrollText aria-hidden />} onSelect={() => act(() => openBuild(build))}>
            View log
          </MenuItem>
        ) : (
          hasLog && (
            <MenuItem icon={<ScrollText aria-hidden />} to={versionPath(job)}>
              View log
            </MenuItem>
          )
        )}
        {cancelable && (
          <>
            <MenuLine />
            <MenuItem icon={<X aria-hidden />} danger onSelect={() => setAsked(true)}>
              Cancel job…
            </MenuItem>
          </>
        )}
      </Menu>
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
    </>
  );
}

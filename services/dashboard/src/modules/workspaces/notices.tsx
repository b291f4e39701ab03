import type { Workspace, WorkspaceBuild } from "@fleet/sdk";
import { useQueryClient } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { Link } from "react-router";
import { client } from "../../api/client.js";
import { workspaceKey } from "../../api/workspaces.js";
import { buildPath } from "../../paths.js";
import { QueueNotice } from "../builds/queue-notice.js";
import { Ago } from "../format/time.js";
import { Button } from "../ui/button.js";
import { Notice } from "../ui/notice.js";
import { useAct } from "../ui/toast.js";
import { useWorkspaceActions } from "./actions.js";

/** Notices about the workspace, each with an action. Problems of an agent are shown on its card. */
export function WorkspaceNotices({ workspace }: { workspace: Workspace }) {
  const build = workspace.latest_build;
  return (
    <>
      <DormantNotice workspace={workspace} />
      {build.status === "pending" && <QueueNotice job={build.job} matched={build.matched_provisioners} />}
      <FailureNotice workspace={workspace} />
      <NextBuildNotice build={build} />
    </>
  );
}

const NAMES = { start: "start", stop: "stop", delete: "delete" } as const;

function FailureNotice({ workspace }: { workspace: Workspace }) {
  const build = workspace.latest_build;
  const actions = useWorkspaceActions(workspace);
  const act = useAct();
  const failed = build.job.status === "failed";
  if (!failed && build.job.status !== "canceled") return null;
  const name = NAMES[build.transition];
  return (
    <Notice
      tone={failed ? "bad" : "warn"}
      title={failed ? `The last ${name} failed` : `The last ${name} was canceled`}
      action={
        <div className="flex gap-2">
          <Button size="sm" asChild>
            <Link to={buildPath(workspace, build.build_number)}>View log</Link>
          </Button>
          <Button
            size="sm"
            icon={<RotateCw aria-hidden />}
            onClick={() =>
              act(() =>
                actions.build({
                  transition: build.transition,
                  template_version_id: build.template_version_id,
                }),
              )
            }
          >
            Retry
          </Button>
        </div>
      }
    >
      {build.job.error ? (
        <p className="whitespace-pre-wrap">{build.job.error}</p>
      ) : (
        "Some resources may still exist. Retry the build to bring the workspace into a known state."
      )}
    </Notice>
  );
}

/** The start that follows a stop in progress, or why it failed. */
function NextBuildNotice({ build }: { build: WorkspaceBuild }) {
  const next = build.next_build;
  if (!next) return null;
  if (next.status === "waiting")
    return <Notice>The workspace starts again automatically when the stop is done.</Notice>;
  if (next.status === "dropped")
    return (
      <Notice tone="warn" title="The workspace was not started again">
        {next.error}
      </Notice>
    );
  return null;
}

function DormantNotice({ workspace }: { workspace: Workspace }) {
  const queries = useQueryClient();
  const act = useAct();
  if (!workspace.dormant_at) return null;
  const activate = async () => {
    await client.workspaceDormancyUpdate({ params: { workspace: workspace.id }, body: { dormant: false } });
    await queries.invalidateQueries({ queryKey: workspaceKey(workspace.owner_name, workspace.name) });
  };
  return (
    <Notice
      tone="warn"
      title="This workspace is dormant"
      action={
        <Button size="sm" onClick={() => act(activate, "Workspace activated. Start it to use it.")}>
          Activate
        </Button>
      }
    >
      It was not used for a while (dormant since <Ago time={workspace.dormant_at} />
      ).{" "}
      {workspace.deleting_at && (
        <>
          It will be deleted <Ago time={workspace.deleting_at} /> unless you activate it.
        </>
      )}
    </Notice>
  );
}

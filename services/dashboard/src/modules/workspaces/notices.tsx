import type { Workspace } from "@fleet/sdk";
import { useQueryClient } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { Link } from "react-router";
import { client } from "../../api/client.js";
import { workspaceKey } from "../../api/workspaces.js";
import { buildPath } from "../../paths.js";
import { Ago } from "../format/time.js";
import { Button } from "../ui/button.js";
import { Notice } from "../ui/notice.js";
import { useAct } from "../ui/toast.js";
import { useWorkspaceActions } from "./actions.js";
import { isUnhealthy } from "./status.js";

/** What somebody who opens the workspace has to know, each with the way out. */
export function WorkspaceNotices({ workspace }: { workspace: Workspace }) {
  return (
    <>
      <DormantNotice workspace={workspace} />
      <QueueNotice workspace={workspace} />
      <FailureNotice workspace={workspace} />
      {isUnhealthy(workspace) && (
        <Notice tone="warn" title="Something in the workspace is not well">
          An agent is away, or one of its scripts failed: see below. If it does not recover by itself, restart
          the workspace.
        </Notice>
      )}
    </>
  );
}

function QueueNotice({ workspace }: { workspace: Workspace }) {
  const build = workspace.latest_build;
  if (build.status !== "pending") return null;
  const { queue_position, queue_size, tags } = build.job;
  const written = Object.entries(tags).map(([key, value]) => `${key}=${value || '""'}`);
  if (build.matched_provisioners?.count === 0) {
    return (
      <Notice tone="warn" title="No provisioner can take this build">
        None has the tags <code className="font-mono">{written.join(" ")}</code>. Ask an operator to start one
        with these tags, or cancel the build.
      </Notice>
    );
  }
  if (build.matched_provisioners?.available === 0) {
    return (
      <Notice tone="warn" title="No provisioner answers at the moment">
        The build starts as soon as one is back.
      </Notice>
    );
  }
  return (
    <Notice title="The build waits for a free provisioner">
      {queue_size > 0
        ? `It is number ${Math.max(1, queue_position)} of ${queue_size} in the queue.`
        : "It is next."}
    </Notice>
  );
}

function FailureNotice({ workspace }: { workspace: Workspace }) {
  const build = workspace.latest_build;
  const actions = useWorkspaceActions(workspace);
  const act = useAct();
  if (build.job.status !== "failed" && build.job.status !== "canceled") return null;
  const failed = build.job.status === "failed";
  const verb = { start: "Start", stop: "Stop", delete: "Delete" }[build.transition].toLowerCase();
  return (
    <Notice
      tone={failed ? "bad" : "warn"}
      title={failed ? `The last ${verb} failed` : `The last ${verb} was called off`}
      action={
        <div className="flex gap-2">
          <Button size="sm" asChild>
            <Link to={buildPath(workspace, build.build_number)}>Read the log</Link>
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
        "What had been made by then may still be there. Run it again to bring the workspace into a known state."
      )}
    </Notice>
  );
}

function DormantNotice({ workspace }: { workspace: Workspace }) {
  const queries = useQueryClient();
  const act = useAct();
  if (!workspace.dormant_at) return null;
  const wake = async () => {
    await client.workspaceDormancyUpdate({ params: { workspace: workspace.id }, body: { dormant: false } });
    await queries.invalidateQueries({ queryKey: workspaceKey(workspace.owner_name, workspace.name) });
  };
  return (
    <Notice
      tone="warn"
      title="This workspace is dormant"
      action={
        <Button size="sm" onClick={() => act(wake, "The workspace is awake. Start it to use it.")}>
          Wake it up
        </Button>
      }
    >
      It was not used for a while (dormant since <Ago time={workspace.dormant_at} />
      ).{" "}
      {workspace.deleting_at && (
        <>
          It will be deleted <Ago time={workspace.deleting_at} /> unless it is woken.
        </>
      )}
    </Notice>
  );
}

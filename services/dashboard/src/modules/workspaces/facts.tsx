import type { Workspace } from "@fleet/sdk";
import { useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { client } from "../../api/client.js";
import { workspaceKey } from "../../api/workspaces.js";
import { Ago, isRealTime } from "../format/time.js";
import { Button } from "../ui/button.js";
import { useAct } from "../ui/toast.js";
import { describeSchedule } from "./schedule.js";

const HOUR_MS = 3_600_000;

/** The row below the title: template, version, uptime and autostop time. */
export function WorkspaceFacts({ workspace }: { workspace: Workspace }) {
  const build = workspace.latest_build;
  const running = build.status === "running";
  return (
    <dl className="flex flex-wrap gap-x-8 gap-y-3">
      <Fact name="Template">
        <Link to={`/templates/${workspace.template_name}`} className="rounded hover:underline">
          {workspace.template_display_name || workspace.template_name}
        </Link>
        <span className="text-muted"> {build.template_version_name}</span>
      </Fact>
      <Fact name={running ? "Started" : "Last build"}>
        <Ago time={build.job.completed_at ?? build.created_at} />
      </Fact>
      {running && <Deadline workspace={workspace} />}
      {workspace.autostart_schedule && (
        <Fact name="Autostart">
          {workspace.next_start_at ? (
            <Ago time={workspace.next_start_at} />
          ) : (
            describeSchedule(workspace.autostart_schedule)
          )}
        </Fact>
      )}
      <Fact name="Last used">
        <Ago time={workspace.last_used_at} />
      </Fact>
      {build.daily_cost > 0 && <Fact name="Daily cost">{build.daily_cost}</Fact>}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-faint text-xs">{name}</dt>
      <dd className="flex items-center gap-1">
        <span className="truncate">{children}</span>
      </dd>
    </div>
  );
}

function Deadline({ workspace }: { workspace: Workspace }) {
  const queries = useQueryClient();
  const act = useAct();
  const { deadline, max_deadline } = workspace.latest_build;
  if (!isRealTime(deadline)) return <Fact name="Autostop">Never</Fact>;
  const next = new Date(Date.parse(deadline) + HOUR_MS);
  const capped = isRealTime(max_deadline) && next.getTime() > Date.parse(max_deadline);
  const extend = async () => {
    await client.workspaceExtend({
      params: { workspace: workspace.id },
      body: { deadline: next.toISOString() },
    });
    await queries.invalidateQueries({ queryKey: workspaceKey(workspace.owner_name, workspace.name) });
  };
  return (
    <div className="min-w-0">
      <dt className="text-faint text-xs">Autostop</dt>
      <dd className="flex items-center gap-1.5">
        <Ago time={deadline} />
        <Button
          size="sm"
          look="ghost"
          className="h-5! px-1.5!"
          icon={<Plus aria-hidden />}
          disabled={capped}
          aria-label="Extend by 1 hour"
          onClick={() => act(extend, "Autostop extended by 1 hour.")}
        >
          1 h
        </Button>
      </dd>
    </div>
  );
}

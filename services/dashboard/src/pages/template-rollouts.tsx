import type { RolloutProgress, RolloutStatus, TemplateRollout } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Milestone, Pause, Play, Rocket, Undo2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import { client } from "../api/client.js";
import { rolloutQuery, rolloutsQuery, templatePermissionsQuery } from "../api/templates.js";
import { Ago, duration } from "../modules/format/time.js";
import { useTemplate } from "../modules/templates/form.js";
import { Button } from "../modules/ui/button.js";
import { Confirm } from "../modules/ui/confirm.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Notice } from "../modules/ui/notice.js";
import { Empty, useTitle } from "../modules/ui/page.js";
import { Pill, type PillTone } from "../modules/ui/pill.js";
import { Table } from "../modules/ui/table.js";
import { useAct } from "../modules/ui/toast.js";
import { workspacePath } from "../paths.js";

const STATUSES: Record<RolloutStatus, { tone: PillTone; label: string }> = {
  running: { tone: "busy", label: "Running" },
  paused: { tone: "idle", label: "Paused" },
  stopped: { tone: "bad", label: "Stopped" },
  finished: { tone: "ok", label: "Finished" },
  aborted: { tone: "idle", label: "Aborted" },
  superseded: { tone: "idle", label: "Superseded" },
};
const OPEN: readonly RolloutStatus[] = ["running", "paused", "stopped"];

function RolloutPill({ status }: { status: RolloutStatus }) {
  return <Pill tone={STATUSES[status].tone}>{STATUSES[status].label}</Pill>;
}

/** `/templates/:template/rollouts`: the rollout that is under way, and earlier ones. */
export function TemplateRolloutsPage() {
  const template = useTemplate();
  useTitle(`${template.display_name || template.name} rollouts`);
  const rollouts = useQuery(rolloutsQuery(template.id));
  const current = rollouts.data?.find(({ status }) => OPEN.includes(status));
  return (
    <div className="flex flex-col gap-8">
      {current && <Current rollout={current} />}
      <Table
        label="Rollouts"
        rows={rollouts.data?.filter((rollout) => rollout !== current)}
        keyOf={({ id }) => id}
        error={rollouts.error}
        onRetry={() => void rollouts.refetch()}
        empty={
          current ? null : (
            <Empty icon={<Milestone aria-hidden />} title="No rollouts">
              A rollout activates a version for a growing share of the workspaces. Start one by{" "}
              <Link to={`/templates/${template.name}/versions`} className="text-accent underline">
                activating a version
              </Link>{" "}
              step by step.
            </Empty>
          )
        }
        columns={[
          {
            id: "version",
            title: "Version",
            width: "minmax(0, 2fr)",
            cell: ({ former_version_name, template_version_name, reason }) => (
              <div className="py-1.5">
                <Versions from={former_version_name} to={template_version_name} />
                {reason && (
                  <p className="truncate text-muted text-sm" title={reason}>
                    {reason}
                  </p>
                )}
              </div>
            ),
          },
          {
            id: "steps",
            title: "Steps",
            width: "8rem",
            from: "md",
            cell: ({ steps }) => steps.map((step) => `${step}%`).join(", "),
          },
          { id: "by", title: "Started by", width: "8rem", from: "lg", cell: (one) => one.initiator_name },
          {
            id: "ended",
            title: "Ended",
            width: "8rem",
            from: "sm",
            cell: ({ ended_at }) => <Ago time={ended_at} />,
          },
          {
            id: "status",
            title: "Status",
            width: "6.5rem",
            cell: ({ status }) => <RolloutPill status={status} />,
          },
        ]}
      />
    </div>
  );
}

function Versions({ from, to }: { from: string; to: string }) {
  const template = useTemplate();
  const path = (name: string) => `/templates/${template.name}/versions/${name}`;
  return (
    <span className="flex min-w-0 items-center gap-1.5 font-mono text-sm">
      <Link to={path(from)} className="truncate rounded text-muted hover:underline">
        {from}
      </Link>
      <span aria-label="to" role="img" className="text-faint">
        →
      </span>
      <Link to={path(to)} className="truncate rounded font-medium hover:underline">
        {to}
      </Link>
    </span>
  );
}

function Current({ rollout }: { rollout: TemplateRollout }) {
  const template = useTemplate();
  const progress = useQuery(rolloutQuery(template.id, rollout.id));
  return (
    <section aria-label="Current rollout" className="flex flex-col gap-4">
      <header className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <h2 className="flex min-w-0 flex-1 basis-60 items-center gap-3 text-base">
          <Versions from={rollout.former_version_name} to={rollout.template_version_name} />
          <RolloutPill status={rollout.status} />
        </h2>
        <Acts rollout={rollout} />
      </header>
      {rollout.status === "stopped" && (
        <Notice tone="bad" title="The rollout was stopped">
          {rollout.reason} Workspaces take {rollout.former_version_name} again when they are next started.
        </Notice>
      )}
      <Steps rollout={rollout} />
      <Loaded query={progress}>{(data) => <Progress progress={data} />}</Loaded>
    </section>
  );
}

function Steps({ rollout }: { rollout: TemplateRollout }) {
  return (
    <ol aria-label="Steps" className="flex gap-1">
      {rollout.steps.map((step, index) => {
        const state =
          rollout.percent === 0 || index > rollout.step ? "next" : index === rollout.step ? "now" : "done";
        return (
          <li
            key={step}
            aria-current={state === "now" ? "step" : undefined}
            className="flex min-w-0 flex-1 flex-col gap-1"
          >
            <span
              className={`h-1.5 rounded-full ${{ next: "bg-line", now: "bg-busy", done: "bg-ok" }[state]}`}
            />
            <span className={`text-sm tabular-nums ${state === "now" ? "font-medium" : "text-muted"}`}>
              {step}%
            </span>
          </li>
        );
      })}
    </ol>
  );
}

function Progress({ progress }: { progress: RolloutProgress }) {
  const { rollout, workspaces, share, succeeded, failed, undecided, waiting, failures } = progress;
  const facts: [string, ReactNode][] = [
    ["Active for", `${share} of ${workspaces} ${workspaces === 1 ? "workspace" : "workspaces"}`],
    ["Updated", `${succeeded} succeeded, ${failed} failed, ${undecided} in progress`],
    ["Each step", `At least ${duration(rollout.pause_ms)}`],
    ["Stops above", `${rollout.max_failure_percent}% failed, of at least ${rollout.min_samples}`],
    ...(rollout.status === "running"
      ? [
          ["Next step", waiting || (rollout.next_step_at ? <Ago time={rollout.next_step_at} /> : "None")] as [
            string,
            ReactNode,
          ],
        ]
      : []),
  ];
  return (
    <>
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1.5">
        {facts.map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-muted">{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {failures.length > 0 && (
        <div>
          <h3 className="pb-1 font-medium text-sm">Latest failures</h3>
          <ul className="divide-y divide-line border-line border-y">
            {failures.map((failure) => (
              <li key={failure.build_id} className="flex flex-wrap gap-x-4 py-2">
                <Link
                  to={workspacePath({
                    owner_name: failure.workspace_owner_name,
                    name: failure.workspace_name,
                  })}
                  className="rounded font-medium hover:underline"
                >
                  {failure.workspace_owner_name}/{failure.workspace_name}
                </Link>
                <span className="min-w-0 flex-1 basis-60 text-bad text-sm [overflow-wrap:anywhere]">
                  {failure.error}
                </span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

function Acts({ rollout }: { rollout: TemplateRollout }) {
  const template = useTemplate();
  const queries = useQueryClient();
  const act = useAct();
  const may = useQuery(templatePermissionsQuery(template.id)).data;
  const [asked, setAsked] = useState<"finish" | "abort">();
  const call = { params: { template: template.id, rollout: rollout.id } };
  const refresh = () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: ["rollouts", template.id] }),
      queries.invalidateQueries({ queryKey: ["template", template.name] }),
    ]);
  if (!may?.update) return null;
  return (
    <div className="flex flex-wrap gap-2">
      <Button size="sm" icon={<Undo2 aria-hidden />} onClick={() => setAsked("abort")}>
        Abort…
      </Button>
      {rollout.status === "running" ? (
        <Button
          size="sm"
          icon={<Pause aria-hidden />}
          onClick={() => act(() => client.rolloutPause(call).then(refresh), "Rollout paused.")}
        >
          Pause
        </Button>
      ) : (
        <Button
          size="sm"
          icon={<Play aria-hidden />}
          onClick={() => act(() => client.rolloutResume(call).then(refresh), "Rollout resumed.")}
        >
          Resume
        </Button>
      )}
      <Button size="sm" icon={<Rocket aria-hidden />} onClick={() => setAsked("finish")}>
        Finish…
      </Button>
      <Confirm
        open={asked === "finish"}
        onClose={() => setAsked(undefined)}
        title={`Activate ${rollout.template_version_name} for all workspaces?`}
        description="Ends the rollout: the version becomes the template's active version at once."
        action="Finish rollout"
        onConfirm={() => client.rolloutFinish(call).then(refresh)}
      />
      <Confirm
        open={asked === "abort"}
        onClose={() => setAsked(undefined)}
        danger
        title="Abort the rollout?"
        description={`All workspaces take ${rollout.former_version_name} again when they are next started. Running workspaces are left alone.`}
        action="Abort rollout"
        onConfirm={() => client.rolloutAbort(call).then(refresh)}
      />
    </div>
  );
}

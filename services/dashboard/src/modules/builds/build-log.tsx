import type { ProvisionerJob, ProvisionerJobLog, TemplateVersion, WorkspaceBuild } from "@fleet/sdk";
import { CircleCheck, CircleX, LoaderCircle } from "lucide-react";
import { useMemo } from "react";
import { client } from "../../api/client.js";
import { type LineSource, useLines } from "../../api/lines.js";
import { duration, useNow } from "../format/time.js";
import { Dropped, LogLine, LogWell } from "../logs/log-view.js";
import { Skeleton } from "../ui/page.js";
import { type Stage, stagesOf } from "./stages.js";

/** Log of a build, live while it is running. */
export function BuildLog({ build, tall }: { build: WorkspaceBuild; tall?: boolean }) {
  return (
    <JobLog
      id={build.id}
      job={build.job}
      tall={tall ?? false}
      open={(after, signal) =>
        client.workspaceBuildLogsFollow({
          params: { build: build.id },
          ...(after === undefined ? {} : { query: { after } }),
          signal,
        })
      }
    />
  );
}

/** Log of a template version's import, live while it is running. */
export function ImportLog({ version }: { version: TemplateVersion }) {
  return (
    <JobLog
      id={version.id}
      job={version.job}
      open={(after, signal) =>
        client.templateVersionLogsFollow({
          params: { version: version.id },
          ...(after === undefined ? {} : { query: { after } }),
          signal,
        })
      }
    />
  );
}

/** A job's log by stage. `id` identifies the log. */
function JobLog(props: {
  id: string;
  job: ProvisionerJob;
  open: LineSource<ProvisionerJobLog>["open"];
  tall?: boolean;
}) {
  const { id, job, open, tall = false } = props;
  const { lines, dropped, state } = useLines<ProvisionerJobLog>({
    key: id,
    open,
    complete: Boolean(job.completed_at),
  });
  const rows = useMemo(() => rowsOf(stagesOf(lines, job.completed_at)), [lines, job.completed_at]);
  const running = !job.completed_at;

  if (job.status === "pending" && lines.length === 0)
    return <p className="px-5 pb-5 text-muted">The log starts when a provisioner takes the job.</p>;
  if (lines.length === 0) {
    return (
      <div className="flex flex-col gap-2 px-5 pb-5 text-muted">
        {state === "lost" ? (
          <p>The log loads automatically when the server can be reached.</p>
        ) : state === "ended" ? (
          <p>{running ? "No logs yet." : "This build has no logs."}</p>
        ) : (
          <>
            <Skeleton className="h-3.5 w-2/3" />
            <Skeleton className="h-3.5 w-1/2" />
          </>
        )}
      </div>
    );
  }
  return (
    <LogWell
      lines={rows}
      label="Build log"
      tall={tall}
      before={<Dropped count={dropped} />}
      after={state === "lost" && <p className="px-4 py-2 text-warn">The log is interrupted. Reconnecting…</p>}
    >
      {(row) =>
        row.kind === "line" ? (
          <LogLine time={row.line.created_at} level={row.line.log_level} text={row.line.output} />
        ) : (
          <StageHeading
            stage={row.stage}
            running={running && row.last}
            failed={job.status === "failed" && row.last}
          />
        )
      }
    </LogWell>
  );
}

type Row =
  | { kind: "stage"; id: string; stage: Stage; last: boolean }
  | { kind: "line"; id: string; line: ProvisionerJobLog };

function rowsOf(stages: readonly Stage[]): Row[] {
  return stages.flatMap((stage, index) => [
    { kind: "stage" as const, id: `stage ${stage.id}`, stage, last: index === stages.length - 1 },
    ...stage.lines.map((line) => ({ kind: "line" as const, id: String(line.id), line })),
  ]);
}

function StageHeading({ stage, running, failed }: { stage: Stage; running: boolean; failed: boolean }) {
  return (
    <h3 className="flex items-center gap-2 border-line border-y bg-sunken px-4 py-1.5 font-medium font-sans text-ink text-sm tracking-normal">
      {running ? (
        <LoaderCircle className="size-3.5 animate-spin text-busy" aria-hidden />
      ) : failed ? (
        <CircleX className="size-3.5 text-bad" aria-hidden />
      ) : (
        <CircleCheck className="size-3.5 text-ok" aria-hidden />
      )}
      {stage.name}
      <span className="ml-auto font-normal text-muted text-xs tabular-nums">
        {running ? (
          <RunningFor since={stage.startedAt} />
        ) : (
          stage.endedAt !== undefined && duration(stage.endedAt - stage.startedAt)
        )}
      </span>
    </h3>
  );
}

function RunningFor({ since }: { since: number }) {
  const seconds = Math.floor((useNow(1_000).getTime() - since) / 1_000);
  return seconds < 1 ? null : duration(seconds * 1_000);
}

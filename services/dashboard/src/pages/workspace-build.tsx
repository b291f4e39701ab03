import type { Workspace, WorkspaceBuild } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { ArrowLeft } from "lucide-react";
import type { ReactNode } from "react";
import { Link, useParams } from "react-router";
import {
  buildParametersQuery,
  buildPoliciesQuery,
  buildQuery,
  buildTimingsQuery,
} from "../api/workspaces.js";
import { BuildChanges } from "../modules/builds/build-changes.js";
import { BuildLog } from "../modules/builds/build-log.js";
import { buildDurationMs, originOf, transitionName } from "../modules/builds/describe.js";
import { JobStatusPill } from "../modules/builds/job-status.js";
import { QueueNotice } from "../modules/builds/queue-notice.js";
import { TimingsChart } from "../modules/builds/timings.js";
import { Ago, duration, useNow } from "../modules/format/time.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Notice } from "../modules/ui/notice.js";
import { Section, Skeleton, useTitle } from "../modules/ui/page.js";
import { workspacePath } from "../paths.js";

/** A build: initiator, timings, parameters and log. */
export function BuildTab({ workspace }: { workspace: Workspace }) {
  const { number = "" } = useParams();
  useTitle(`${workspace.name} build ${number}`);
  const latest = workspace.latest_build;
  // The watch stream keeps the latest build up to date.
  const isLatest = String(latest.build_number) === number;
  const query = useQuery({ ...buildQuery(workspace.owner_name, workspace.name, number), enabled: !isLatest });
  return (
    <>
      <Link
        to={`${workspacePath(workspace)}/builds`}
        className="-mb-2 flex w-fit items-center gap-1.5 rounded text-muted text-sm hover:text-ink"
      >
        <ArrowLeft className="size-3.5" aria-hidden />
        All builds
      </Link>
      {isLatest ? (
        <LoadedBuild key={latest.id} build={latest} />
      ) : (
        <Loaded query={query} skeleton={<Skeleton className="h-56 w-full rounded-xl" />}>
          {(build) => <LoadedBuild key={build.id} build={build} />}
        </Loaded>
      )}
    </>
  );
}

function LoadedBuild({ build }: { build: WorkspaceBuild }) {
  const now = useNow(1_000);
  const ms = buildDurationMs(build, now);
  const parameters = useQuery(buildParametersQuery(build.id));
  const ended = Boolean(build.job.completed_at);
  const timings = useQuery({ ...buildTimingsQuery(build.id), enabled: ended });
  const policies = useQuery({ ...buildPoliciesQuery(build.id), enabled: ended });
  const warnings = (policies.data ?? []).filter(
    ({ mode, outcome }) => mode === "warn" && outcome !== "passed",
  );
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-8 gap-y-3">
        <h2 className="flex items-center gap-2.5 text-lg">
          {transitionName(build)}, build {build.build_number}
          <JobStatusPill status={build.job.status} />
        </h2>
        <dl className="flex flex-wrap gap-x-8 gap-y-2">
          <Fact name="Created">
            <Ago time={build.created_at} /> {originOf(build)}
          </Fact>
          <Fact name="Duration">
            {ms === undefined ? "Not started" : duration(ended ? ms : Math.floor(ms / 1_000) * 1_000)}
          </Fact>
          <Fact name="Template version">{build.template_version_name}</Fact>
          {build.job.worker_name && <Fact name="Provisioner">{build.job.worker_name}</Fact>}
        </dl>
      </div>
      {build.job.status === "pending" && <QueueNotice job={build.job} matched={build.matched_provisioners} />}
      {build.job.error && (
        <Notice tone="bad" title="The build failed">
          <p className="whitespace-pre-wrap">{build.job.error}</p>
        </Notice>
      )}
      {warnings.length > 0 && (
        <Notice tone="warn" title={warnings.length === 1 ? "Policy warning" : "Policy warnings"}>
          <ul>
            {warnings.map(({ policy_id, policy_name, outcome, message }) => (
              <li key={policy_id}>
                {policy_name}: {outcome === "error" ? `could not be evaluated: ${message}` : message}
              </li>
            ))}
          </ul>
        </Notice>
      )}
      <BuildChanges build={build} />
      <div className="overflow-hidden rounded-xl">
        <Section title="Log" flush>
          <BuildLog build={build} tall />
        </Section>
      </div>
      <div className="grid gap-5 lg:grid-cols-2">
        {ended && (
          <Section title="Timings">
            <Loaded query={timings} skeleton={<Skeleton className="h-16 w-full" />}>
              {(data) => <TimingsChart timings={data} />}
            </Loaded>
          </Section>
        )}
        {parameters.data && parameters.data.length > 0 && (
          <Section title="Parameters">
            <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1.5 text-sm">
              {parameters.data.map(({ name, value }) => (
                <div key={name} className="contents">
                  <dt className="text-muted">{name}</dt>
                  <dd className="font-mono [overflow-wrap:anywhere]">{value || "–"}</dd>
                </div>
              ))}
            </dl>
          </Section>
        )}
      </div>
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt className="text-faint text-xs">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

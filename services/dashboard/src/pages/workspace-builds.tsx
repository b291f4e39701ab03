import type { Workspace, WorkspaceBuild } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { buildsQuery } from "../api/workspaces.js";
import { buildDurationMs, originOf, transitionName } from "../modules/builds/describe.js";
import { JobStatusPill } from "../modules/builds/job-status.js";
import { Ago, duration, useNow } from "../modules/format/time.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Card, SkeletonRows } from "../modules/ui/page.js";
import { buildPath } from "../paths.js";

/** All builds of the workspace, latest first. */
export function BuildsTab({ workspace }: { workspace: Workspace }) {
  const { build_number, status } = workspace.latest_build;
  const builds = useQuery(buildsQuery(workspace.id, `${build_number} ${status}`));
  const now = useNow(5_000);
  return (
    <Card>
      <Loaded query={builds} skeleton={<SkeletonRows />} padded>
        {(list) => (
          <ol className="divide-y divide-line">
            {list.map((build) => (
              <BuildRow key={build.id} workspace={workspace} build={build} now={now} />
            ))}
          </ol>
        )}
      </Loaded>
    </Card>
  );
}

function BuildRow({ workspace, build, now }: { workspace: Workspace; build: WorkspaceBuild; now: Date }) {
  const ms = buildDurationMs(build, now);
  return (
    <li className="relative flex items-center gap-4 px-4 py-3 transition-colors hover:bg-hover/50 sm:px-5">
      <span className="w-8 text-faint tabular-nums">{build.build_number}</span>
      <div className="min-w-0 flex-1">
        <Link
          to={buildPath(workspace, build.build_number)}
          className="rounded font-medium after:absolute after:inset-0"
        >
          {transitionName(build)}
        </Link>
        <p className="truncate text-muted text-sm">
          {originOf(build)} · {build.template_version_name}
        </p>
      </div>
      <span className="hidden w-24 text-right text-muted text-sm tabular-nums sm:block">
        {ms !== undefined && duration(ms)}
      </span>
      <span className="hidden w-32 text-right text-muted text-sm sm:block">
        <Ago time={build.created_at} />
      </span>
      <JobStatusPill status={build.job.status} />
    </li>
  );
}

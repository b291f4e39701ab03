import type { WorkspaceBuild } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { ArrowRight, Minus, Plus } from "lucide-react";
import { buildParametersQuery, buildQuery } from "../../api/workspaces.js";
import { Section } from "../ui/page.js";
import { type Change, changedParameters, changedResources } from "./changes.js";

/** What a build changed in comparison with the one before it; nothing if all is the same. */
export function BuildChanges({ build }: { build: WorkspaceBuild }) {
  const number = build.build_number - 1;
  const { workspace_owner_name: owner, workspace_name: name } = build;
  const before = useQuery({ ...buildQuery(owner, name, String(number)), enabled: number > 0 });
  const previous = before.data;
  const parameters = useQuery(buildParametersQuery(build.id));
  const earlier = useQuery({
    ...buildParametersQuery(previous?.id ?? ""),
    enabled: previous !== undefined,
  });
  if (!previous) return null;
  const version: Change = {
    name: "Template version",
    before: previous.template_version_name,
    after: build.template_version_name,
  };
  const rows: Change[] = [
    ...(version.before === version.after ? [] : [version]),
    ...(parameters.data && earlier.data ? changedParameters(earlier.data, parameters.data) : []),
    // A stop and a start differ in their resources by nature.
    ...(previous.transition === build.transition && build.job.completed_at
      ? changedResources(previous.resources, build.resources)
      : []),
  ];
  if (rows.length === 0) return null;
  return (
    <Section title={`Changes since build ${number}`}>
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1.5 text-sm">
        {rows.map((change) => (
          <div key={change.name} className="contents">
            <dt className="text-muted">{change.name}</dt>
            <dd className="flex flex-wrap items-center gap-1.5 font-mono [overflow-wrap:anywhere]">
              <Difference {...change} />
            </dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}

function Difference({ before, after }: Change) {
  if (before === undefined)
    return (
      <>
        <Plus className="size-3.5 text-ok" role="img" aria-label="Added" /> {after}
      </>
    );
  if (after === undefined)
    return (
      <>
        <Minus className="size-3.5 text-bad" role="img" aria-label="Removed" /> {before}
      </>
    );
  return (
    <>
      <del className="text-muted">{before || "–"}</del>
      <ArrowRight className="size-3.5 text-faint" role="img" aria-label="changed to" />
      <ins className="no-underline">{after || "–"}</ins>
    </>
  );
}

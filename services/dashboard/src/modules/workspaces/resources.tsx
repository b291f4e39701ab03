import type { Workspace, WorkspaceResource } from "@fleet/sdk";
import { Eye, EyeOff } from "lucide-react";
import { useState } from "react";
import { AgentCard } from "../agents/agent-card.js";
import { IconTile } from "../icons/icon.js";
import { InlineMarkdown } from "../markdown/markdown.js";
import { IconButton } from "../ui/button.js";
import { CopyButton } from "../ui/copy.js";
import { Section } from "../ui/page.js";

/** Resources with agents first, then the others. */
export function Resources({ workspace }: { workspace: Workspace }) {
  const resources = workspace.latest_build.resources.filter((resource) => !resource.hide);
  const machines = resources.flatMap((resource) =>
    (resource.agents ?? []).map((agent) => ({ resource, agent })),
  );
  const others = resources.filter(({ agents, metadata }) => !agents?.length || metadata?.some(isShown));
  return (
    <>
      {machines.map(({ resource, agent }) => (
        <AgentCard
          key={agent.id}
          workspace={workspace}
          resource={resource}
          agent={agent}
          foldable={machines.length > 1}
        />
      ))}
      {others.length > 0 && (
        <Section title="Resources" lead="Created by the template." flush>
          <ul className="divide-y divide-line border-line border-t">
            {others.map((resource) => (
              <ResourceRow key={resource.id} resource={resource} />
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

/** Terraform's own resource type says nothing about the resource. */
function isShown({ key }: { key: string }): boolean {
  return key !== "type";
}

function ResourceRow({ resource }: { resource: WorkspaceResource }) {
  const items = (resource.metadata ?? []).filter(isShown);
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 py-3 sm:px-5">
      <IconTile url={resource.icon} hints={[resource.type, resource.name]} />
      <div className="min-w-0 basis-44">
        <p className="truncate font-medium">{resource.name}</p>
        <p className="truncate text-muted text-sm">
          {resource.type}
          {resource.daily_cost > 0 && ` · ${resource.daily_cost} credits per day`}
        </p>
      </div>
      <dl className="flex min-w-0 flex-1 basis-72 flex-wrap gap-x-8 gap-y-2">
        {items.map((item) => (
          <div key={item.key} className="min-w-0">
            <dt className="text-faint text-xs">{item.key}</dt>
            <dd className="flex items-center gap-1 [overflow-wrap:anywhere]">
              {item.sensitive ? <Sensitive value={item.value} /> : <InlineMarkdown text={item.value} />}
            </dd>
          </div>
        ))}
      </dl>
    </li>
  );
}

function Sensitive({ value }: { value: string }) {
  const [shown, setShown] = useState(false);
  return (
    <>
      <span className="font-mono text-sm">{shown ? value : "••••••••"}</span>
      <IconButton size="sm" label={shown ? "Hide" : "Show"} onClick={() => setShown(!shown)}>
        {shown ? <EyeOff aria-hidden /> : <Eye aria-hidden />}
      </IconButton>
      <CopyButton text={value} />
    </>
  );
}

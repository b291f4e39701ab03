import type { Template } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { versionQuery } from "../api/templates.js";
import { Ago, duration } from "../modules/format/time.js";
import { Markdown } from "../modules/markdown/markdown.js";
import { useTemplate } from "../modules/templates/form.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Skeleton } from "../modules/ui/page.js";

/** `/templates/:template`: its README and key facts. */
export function TemplateOverviewPage() {
  const template = useTemplate();
  const active = useQuery(versionQuery(template.active_version_id));
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-8 lg:grid-cols-[minmax(0,1fr)_18rem]">
      <Facts template={template} />
      <div className="lg:order-first">
        <Loaded query={active} skeleton={<Skeleton className="h-32 w-full" />}>
          {({ readme }) =>
            readme.trim() ? (
              <>
                <h2 className="sr-only">README</h2>
                <Markdown text={readme} />
              </>
            ) : (
              <p className="text-muted">The template has no README.</p>
            )
          }
        </Loaded>
      </div>
    </div>
  );
}

function Facts({ template }: { template: Template }) {
  const active = useQuery(versionQuery(template.active_version_id)).data;
  const start = template.build_time_stats.start?.P50;
  const facts = [
    {
      name: "Active version",
      value: active && (
        <Link
          to={`/templates/${template.name}/versions/${active.name}`}
          className="rounded font-mono text-sm hover:underline"
        >
          {active.name}
        </Link>
      ),
    },
    { name: "Updated", value: active && <Ago time={active.created_at} /> },
    {
      name: "Developers",
      value: template.active_user_count < 0 ? "Unknown" : String(template.active_user_count),
    },
    { name: "Median start", value: start ? duration(start) : "Unknown" },
    {
      name: "Autostop after",
      value: template.default_ttl_ms > 0 ? duration(template.default_ttl_ms) : "Never",
    },
    { name: "Created by", value: template.created_by_name },
  ];
  return (
    <dl
      aria-label="Details"
      className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1.5 border-line lg:border-l lg:pl-6"
    >
      {facts.map(({ name, value }) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="truncate text-right">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

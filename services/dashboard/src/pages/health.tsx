import type { HealthReport, HealthSection } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, RotateCw, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client.js";
import { healthQuery } from "../api/deployment.js";
import { Ago } from "../modules/format/time.js";
import { Button } from "../modules/ui/button.js";
import { ErrorNotice } from "../modules/ui/notice.js";
import { Card, PageHeader, SkeletonRows, useTitle } from "../modules/ui/page.js";
import { useAct } from "../modules/ui/toast.js";

type SectionKey =
  | "access_url"
  | "database"
  | "websocket"
  | "workspace_proxy"
  | "provisioner_daemons"
  | "derp";
type SectionText = { key: SectionKey; name: string; about: string; measured?(report: HealthReport): string };

const SECTIONS: SectionText[] = [
  {
    key: "access_url",
    name: "Access URL",
    about: "The deployment reaches itself at the address that users have.",
    measured: ({ access_url }) => access_url.access_url,
  },
  {
    key: "database",
    name: "Database",
    about: "Postgres answers, and quickly enough.",
    measured: ({ database }) => `${database.latency_ms} ms`,
  },
  { key: "websocket", name: "WebSocket", about: "Proxies on the way let WebSockets through." },
  { key: "workspace_proxy", name: "Workspace proxies", about: "Each proxy answers." },
  {
    key: "provisioner_daemons",
    name: "Provisioners",
    about: "Somebody can build.",
    measured: ({ provisioner_daemons }) => String(provisioner_daemons.items.length),
  },
  { key: "derp", name: "Relays", about: "Agents and clients find a way to each other." },
];
const ICONS = {
  ok: <CircleCheck className="mt-0.5 size-4.5 shrink-0 text-ok" aria-label="Well" />,
  warning: <TriangleAlert className="mt-0.5 size-4.5 shrink-0 text-warn" aria-label="Warning" />,
  error: <CircleAlert className="mt-0.5 size-4.5 shrink-0 text-bad" aria-label="Failing" />,
};

/** `/deployment/health`: what an operator looks at first. */
export function HealthPage() {
  useTitle("Health");
  const queries = useQueryClient();
  const act = useAct();
  const health = useQuery(healthQuery);
  const [pending, setPending] = useState(false);
  const again = () => {
    setPending(true);
    act(() =>
      client
        .debugHealth({ query: { force: true } })
        .then((report) => queries.setQueryData(healthQuery.queryKey, report))
        .finally(() => setPending(false)),
    );
  };
  return (
    <div className="flex flex-col gap-5">
      <PageHeader
        title="Health"
        lead={
          health.data && (
            <>
              {health.data.healthy ? "All is well" : "Something needs attention"}, checked{" "}
              <Ago time={health.data.time} />
            </>
          )
        }
        actions={
          <Button icon={<RotateCw aria-hidden />} pending={pending} onClick={again}>
            Check again
          </Button>
        }
      />
      {health.isError && <ErrorNotice error={health.error} onRetry={() => void health.refetch()} />}
      <Card>
        {health.isPending && <SkeletonRows />}
        <ul className="divide-y divide-line">
          {health.data &&
            SECTIONS.map((text) => <SectionRow key={text.key} text={text} report={health.data} />)}
        </ul>
      </Card>
    </div>
  );
}

function SectionRow({ text, report }: { text: SectionText; report: HealthReport }) {
  const section: HealthSection = report[text.key];
  return (
    <li className="flex items-start gap-3 px-4 py-3 sm:px-5">
      {ICONS[section.severity]}
      <div className="min-w-0 flex-1">
        <p className="font-medium">{text.name}</p>
        <p className="text-muted text-sm">{text.about}</p>
        {section.error && <p className="text-bad text-sm [overflow-wrap:anywhere]">{section.error}</p>}
        {section.warnings.map(({ code, message }) => (
          <p key={`${code} ${message}`} className="text-sm text-warn [overflow-wrap:anywhere]">
            <span className="font-mono text-xs">{code}</span> {message}
          </p>
        ))}
      </div>
      {text.measured && <span className="text-right text-muted text-sm">{text.measured(report)}</span>}
    </li>
  );
}

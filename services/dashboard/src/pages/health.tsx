import type { HealthReport, HealthSection } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, RotateCw, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client.js";
import { healthQuery } from "../api/deployment.js";
import { Ago } from "../modules/format/time.js";
import { Button } from "../modules/ui/button.js";
import { Loaded } from "../modules/ui/loaded.js";
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
    about: "The deployment can reach itself at its access URL.",
    measured: ({ access_url }) => access_url.access_url,
  },
  {
    key: "database",
    name: "Database",
    about: "Postgres responds within its limit.",
    measured: ({ database }) => `${database.latency_ms} ms`,
  },
  { key: "websocket", name: "WebSocket", about: "WebSocket connections work through the access URL." },
  { key: "workspace_proxy", name: "Workspace proxies", about: "All workspace proxies respond." },
  {
    key: "provisioner_daemons",
    name: "Provisioners",
    about: "At least one provisioner is available.",
    measured: ({ provisioner_daemons }) => String(provisioner_daemons.items.length),
  },
  { key: "derp", name: "Relays", about: "Agents and clients can connect to each other." },
];
const ICONS = {
  ok: <CircleCheck className="mt-0.5 size-4.5 shrink-0 text-ok" aria-label="Healthy" />,
  warning: <TriangleAlert className="mt-0.5 size-4.5 shrink-0 text-warn" aria-label="Warning" />,
  error: <CircleAlert className="mt-0.5 size-4.5 shrink-0 text-bad" aria-label="Error" />,
};

/** `/deployment/health`: an overview for operators. */
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
              {summaryOf(health.data)} Checked <Ago time={health.data.time} />
            </>
          )
        }
        actions={
          <Button icon={<RotateCw aria-hidden />} pending={pending} onClick={again}>
            Run checks
          </Button>
        }
      />
      <Card>
        <Loaded query={health} skeleton={<SkeletonRows />} padded>
          {(report) => (
            <ul className="divide-y divide-line">
              {SECTIONS.map((text) => (
                <SectionRow key={text.key} text={text} report={report} />
              ))}
            </ul>
          )}
        </Loaded>
      </Card>
    </div>
  );
}

/** Summarizes the rows below in a sentence. */
function summaryOf(report: HealthReport): string {
  const count = (severity: HealthSection["severity"]) =>
    SECTIONS.filter(({ key }) => report[key].severity === severity).length;
  const [errors, warnings] = [count("error"), count("warning")];
  if (errors > 0) return errors === 1 ? "1 check failed." : `${errors} checks failed.`;
  if (warnings > 0) return warnings === 1 ? "1 check has a warning." : `${warnings} checks have warnings.`;
  return "All checks passed.";
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

import type { HealthReport, HealthSection } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { BellOff, BellRing, CircleCheck, RotateCw } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { healthSettingsQuery, replicasQuery } from "../api/admin.js";
import { client } from "../api/client.js";
import { healthQuery } from "../api/deployment.js";
import { Ago, duration } from "../modules/format/time.js";
import { usePermissions } from "../modules/session/session.js";
import { Button } from "../modules/ui/button.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { FormSection } from "../modules/ui/form-section.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { StateMark } from "../modules/ui/state.js";
import { Table } from "../modules/ui/table.js";
import { useAct } from "../modules/ui/toast.js";

type SectionKey =
  | "access_url"
  | "database"
  | "websocket"
  | "workspace_proxy"
  | "provisioner_daemons"
  | "derp";
type SectionText = {
  key: SectionKey;
  /** Name of the section in the settings of the API. */
  setting: string;
  name: string;
  about: string;
};

const SECTIONS: SectionText[] = [
  { key: "access_url", setting: "AccessURL", name: "Access URL", about: "Reachable from the server" },
  { key: "database", setting: "Database", name: "Database and Redis", about: "Respond within their limit" },
  { key: "websocket", setting: "Websocket", name: "WebSocket", about: "Works through the access URL" },
  { key: "workspace_proxy", setting: "WorkspaceProxy", name: "Workspace proxies", about: "All respond" },
  {
    key: "provisioner_daemons",
    setting: "ProvisionerDaemons",
    name: "Provisioners",
    about: "At least one is available",
  },
  { key: "derp", setting: "DERP", name: "Relays", about: "Agents and clients can connect" },
];

/** What to do about each code, and where. */
const MENDS: Record<string, { text: string; to?: string; label?: string }> = {
  EACS03: {
    text: "Check that the access URL resolves and is open from the server itself, and that its certificate is trusted there.",
    to: "/deployment/settings",
    label: "View CODER_ACCESS_URL",
  },
  EACS04: {
    text: "Another service may answer at the access URL. Check the load balancer's backend and its health check.",
  },
  EACS05: {
    text: "Set CODER_WILDCARD_ACCESS_URL to a name that the certificate covers, or add the name to the certificate.",
  },
  EDB01: { text: "Check that Postgres runs, accepts connections from this host, and has free connections." },
  EDB02: { text: "Check the load of Postgres and the network between it and the server." },
  EDB03: { text: "Check that Redis runs and accepts connections from this host." },
  EWS01: { text: "Allow WebSocket upgrades in the load balancer in front of the access URL." },
  EWS02: { text: "The load balancer closes WebSockets early. Raise its idle timeout." },
  EWP02: { text: "Check the database, which lists the proxies." },
  EWP04: {
    text: "Start the proxy, or delete it if it is no longer used.",
    to: "/deployment/proxies",
    label: "View proxies",
  },
  EPD01: {
    text: "Workspaces cannot be built. Start a provisioner with coder provisioner start.",
    to: "/deployment/provisioners",
    label: "View provisioners",
  },
  EPD02: {
    text: "Update the provisioner to the server's version.",
    to: "/deployment/provisioners",
    label: "View provisioners",
  },
};

/** `/deployment/health`: what is unhealthy, and how to mend it; the rest in one line. */
export function HealthPage() {
  useTitle("Health");
  return (
    <Allowed allowed={usePermissions().readHealth}>
      <Report />
    </Allowed>
  );
}

function Report() {
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
    <Page>
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
      <Loaded query={health}>{(report) => <Sections report={report} />}</Loaded>
      <Replicas />
    </Page>
  );
}

const isWell = (section: HealthSection) => section.severity === "ok" && section.warnings.length === 0;

/** Summarizes the checks in a sentence. */
function summaryOf(report: HealthReport): string {
  const count = (severity: HealthSection["severity"]) =>
    SECTIONS.filter(({ key }) => report[key].severity === severity).length;
  const [errors, warnings] = [count("error"), count("warning")];
  if (errors > 0) return errors === 1 ? "1 check failed." : `${errors} checks failed.`;
  if (warnings > 0) return warnings === 1 ? "1 check has a warning." : `${warnings} checks have warnings.`;
  return "All checks passed.";
}

function Sections({ report }: { report: HealthReport }) {
  const unwell = SECTIONS.filter(({ key }) => !isWell(report[key]));
  const well = SECTIONS.filter(({ key }) => isWell(report[key]));
  return (
    <>
      {unwell.length > 0 && (
        <ul className="flex flex-col divide-y divide-line border-line border-y">
          {unwell.map((text) => (
            <Trouble key={text.key} text={text} section={report[text.key]} />
          ))}
        </ul>
      )}
      <ul aria-label="Passed checks" className="flex flex-col gap-1.5">
        {well.map(({ key, name, about }) => (
          <li key={key} className="flex items-center gap-2.5">
            <CircleCheck className="size-4 shrink-0 text-ok" aria-label="Healthy" />
            <span>{name}</span>
            <span className="truncate text-muted">{about}</span>
            {key === "database" && (
              <span className="text-muted tabular-nums">({report.database.latency_ms} ms)</span>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

type Fault = { code: string; message: string; isError: boolean };

/** Errors begin with their code, as in "EDB01: The database is not responding". */
function faultsOf({ error, warnings }: HealthSection): Fault[] {
  const [, code = "", message = error ?? ""] = /^([A-Z]+\d+): ([\s\S]*)$/.exec(error ?? "") ?? [];
  return [
    ...(error ? [{ code, message, isError: true }] : []),
    ...warnings.map((warning) => ({ ...warning, isError: false })),
  ];
}

function Trouble({ text, section }: { text: SectionText; section: HealthSection }) {
  return (
    <li className="flex items-start gap-3 py-3.5">
      <StateMark state={section.severity === "error" ? "failed" : "attention"} className="mt-1.5" />
      <div className="flex min-w-0 flex-1 flex-col gap-2">
        <p className="font-medium">{text.name}</p>
        {faultsOf(section).map(({ code, message, isError }) => {
          const mend = MENDS[code];
          return (
            <div key={`${code} ${message}`}>
              <p className={isError ? "text-bad" : "text-warn"}>
                <span className="[overflow-wrap:anywhere]">{message}</span>{" "}
                {code && <span className="font-mono text-xs">{code}</span>}
              </p>
              {mend && (
                <p className="text-muted text-sm">
                  {mend.text}{" "}
                  {mend.to && (
                    <Link to={mend.to} className="text-accent underline">
                      {mend.label}
                    </Link>
                  )}
                </p>
              )}
            </div>
          );
        })}
      </div>
      <Dismiss text={text} />
    </li>
  );
}

/** Stops a section's warnings from being counted, or lets them count again. */
function Dismiss({ text }: { text: SectionText }) {
  const act = useAct();
  const queries = useQueryClient();
  const may = usePermissions().updateConfig;
  const dismissed = useQuery(healthSettingsQuery).data?.dismissed_healthchecks;
  if (!may || !dismissed) return null;
  const isDismissed = dismissed.includes(text.setting);
  const next = isDismissed
    ? dismissed.filter((setting) => setting !== text.setting)
    : [...dismissed, text.setting];
  return (
    <Button
      size="sm"
      look="ghost"
      icon={isDismissed ? <BellRing aria-hidden /> : <BellOff aria-hidden />}
      onClick={() =>
        act(async () => {
          await client.debugHealthSettingsUpdate({ body: { dismissed_healthchecks: next } });
          await queries.invalidateQueries({ queryKey: healthSettingsQuery.queryKey });
        })
      }
    >
      {isDismissed ? "Watch again" : "Dismiss"}
    </Button>
  );
}

function Replicas() {
  const replicas = useQuery({ ...replicasQuery, retry: false });
  if (!replicas.data || replicas.data.length === 0) return null;
  return (
    <FormSection title="Servers" table>
      <Table
        label="Servers"
        rows={replicas.data}
        keyOf={({ id }) => id}
        rowPx={40}
        empty={null}
        columns={[
          {
            id: "host",
            title: "Host",
            width: "minmax(0, 2fr)",
            cell: ({ hostname, error }) => (
              <span className="block truncate">
                {hostname} {error && <span className="text-bad">{error}</span>}
              </span>
            ),
          },
          {
            id: "started",
            title: "Started",
            width: "9rem",
            cell: ({ created_at }) => <Ago time={created_at} />,
          },
          {
            id: "latency",
            title: "Database latency",
            width: "9rem",
            end: true,
            from: "sm",
            cell: ({ database_latency }) => duration(database_latency / 1_000),
          },
        ]}
      />
    </FormSection>
  );
}

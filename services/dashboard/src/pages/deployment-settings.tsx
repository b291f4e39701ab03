import type { DeploymentOption } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { Search, Settings2 } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { configQuery } from "../api/admin.js";
import { usePermissions } from "../modules/session/session.js";
import { Switch } from "../modules/ui/choice.js";
import { Input } from "../modules/ui/field.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { Badge, Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Table } from "../modules/ui/table.js";

/** `/deployment/settings`: what the server was started with. */
export function DeploymentSettingsPage() {
  useTitle("Settings");
  return (
    <Allowed allowed={usePermissions().readConfig}>
      <Options />
    </Allowed>
  );
}

const isSecret = ({ annotations }: DeploymentOption) => annotations?.secret === "true";

function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

const UNITS: [string, number][] = [
  ["d", 86_400e9],
  ["h", 3_600e9],
  ["m", 60e9],
  ["s", 1e9],
  ["ms", 1e6],
];

/** Nanoseconds of a default such as "24h"; undefined for what is no duration. */
function nanosecondsOf(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const size = UNITS.find(([name]) => name === unit)?.[1];
  return size === undefined ? undefined : Number(number) * size;
}

/** The value as text. A duration comes in nanoseconds, while its default is a text such as "10m". */
function shownValue({ value, default: fallback = "" }: DeploymentOption): string {
  const usual = nanosecondsOf(fallback);
  if (typeof value !== "number" || usual === undefined) return textOf(value);
  return value === usual ? fallback : durationText(value);
}

/** "7d" of nanoseconds, in the largest unit that fits. */
function durationText(ns: number): string {
  const unit = UNITS.find(([, size]) => ns >= size && ns % size === 0);
  return unit && ns > 0 ? `${ns / unit[1]}${unit[0]}` : `${ns / 1e9}s`;
}

/** True for a value that somebody has set. A secret is blank here, set or not. */
function isSet(option: DeploymentOption): boolean {
  return !isSecret(option) && shownValue(option) !== (option.default ?? "");
}

function Options() {
  const options = useQuery(configQuery);
  const [text, setText] = useState("");
  const [changed, setChanged] = useState(false);
  const sought = useDeferredValue(text.trim().toLowerCase());
  const shown = options.data?.filter(
    (option) =>
      (!changed || isSet(option)) &&
      [option.env, option.name, option.description].some((word) => word?.toLowerCase().includes(sought)),
  );
  return (
    <Page width="fluid">
      <PageHeader
        title="Settings"
        lead="Set with environment variables when the server starts. Secrets are not shown."
      />
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="relative min-w-0 flex-1 basis-60">
          <Search aria-hidden className="-translate-y-1/2 absolute top-1/2 left-2.5 size-4 text-faint" />
          <Input
            type="search"
            aria-label="Search settings"
            placeholder="Search settings"
            value={text}
            onChange={({ target }) => setText(target.value)}
            className="pl-8"
          />
        </div>
        <Switch checked={changed} onChange={setChanged}>
          Changed only
        </Switch>
      </div>
      <Table
        label="Settings"
        rows={shown}
        keyOf={({ env, name }) => env ?? name}
        error={options.error}
        onRetry={() => void options.refetch()}
        rowPx={60}
        empty={<Empty icon={<Settings2 aria-hidden />} title="No matching settings" />}
        columns={[
          {
            id: "name",
            title: "Setting",
            width: "minmax(0, 3fr)",
            cell: ({ env, description }) => (
              <span className="block py-1.5">
                <span className="block truncate font-mono text-sm" title={env}>
                  {env}
                </span>
                <span className="block truncate text-muted text-sm" title={description}>
                  {description}
                </span>
              </span>
            ),
          },
          {
            id: "value",
            title: "Value",
            width: "minmax(0, 2fr)",
            cell: (option) => {
              const value = shownValue(option);
              return isSecret(option) ? (
                <span className="text-faint">Secret</span>
              ) : (
                <span className="block truncate font-mono text-sm" title={value}>
                  {value || <span className="font-sans text-faint">Not set</span>}
                </span>
              );
            },
          },
          {
            id: "source",
            title: "Source",
            width: "7rem",
            from: "md",
            cell: (option) =>
              isSecret(option) ? null : isSet(option) ? (
                <Badge>Environment</Badge>
              ) : (
                <span className="text-faint">Default</span>
              ),
          },
        ]}
      />
    </Page>
  );
}

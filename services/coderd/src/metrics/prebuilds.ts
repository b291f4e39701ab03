import type { PresetNumbers } from "./prebuilds-store.js";

type AddGauge = (
  name: string,
  help: string,
  labelNames: ("organization_name" | "template_name" | "preset_name")[],
  read: () => Promise<
    { labels: Record<"organization_name" | "template_name" | "preset_name", string>; value: number }[]
  >,
) => void;

const GAUGES = [
  ["created_total", "Prebuilt workspaces created.", "created"],
  ["failed_total", "Prebuilt workspaces whose first build failed.", "failed"],
  ["claimed_total", "Prebuilt workspaces claimed by users.", "claimed"],
  ["desired", "Prebuilt workspaces that presets want now.", "desired"],
  ["running", "Unclaimed prebuilt workspaces that are running.", "running"],
  ["eligible", "Unclaimed prebuilt workspaces that are ready to be claimed.", "eligible"],
  [
    "preset_hard_limited",
    "1 if no more prebuilt workspaces are created because too many failed.",
    "hardLimited",
  ],
] as const;

/** Gauges of prebuilt workspaces, by preset. */
export function registerPrebuilds(gauge: AddGauge, read: () => Promise<PresetNumbers[]>): void {
  for (const [name, help, field] of GAUGES) {
    gauge(
      `coderd_prebuilt_workspaces_${name}`,
      help,
      ["organization_name", "template_name", "preset_name"],
      async () =>
        (await read()).map((row) => ({
          labels: {
            organization_name: row.organization,
            template_name: row.template,
            preset_name: row.preset,
          },
          value: Number(row[field]),
        })),
    );
  }
}

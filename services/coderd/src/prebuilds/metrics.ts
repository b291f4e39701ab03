import { Counter, type Registry } from "prom-client";

/** What happens to prebuilds while they are claimed; what there is of them is in metrics/prebuilds.ts. */
export class PrebuildMetrics {
  readonly #replacements: Counter<"organization_name" | "template_name" | "preset_name">;

  constructor(registry: Registry) {
    this.#replacements = new Counter({
      name: "coderd_prebuilt_workspaces_resource_replacements_total",
      help: "Claims of prebuilt workspaces that had to replace resources.",
      labelNames: ["organization_name", "template_name", "preset_name"],
      registers: [registry],
    });
  }

  replaced({
    organization,
    template,
    preset,
  }: {
    organization: string;
    template: string;
    preset: string;
  }): void {
    this.#replacements.inc({ organization_name: organization, template_name: template, preset_name: preset });
  }
}

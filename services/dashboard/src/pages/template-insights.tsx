import { useQuery } from "@tanstack/react-query";
import { ChartColumn } from "lucide-react";
import { templateDausQuery } from "../api/templates.js";
import { duration } from "../modules/format/time.js";
import { useTemplate } from "../modules/templates/form.js";
import { DailyBars } from "../modules/ui/bars.js";
import { FormSection } from "../modules/ui/form-section.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Empty, useTitle } from "../modules/ui/page.js";

const TRANSITIONS = { start: "Start", stop: "Stop", delete: "Delete" } as const;

/** `/templates/:template/insights`: how many people use it, and how long its builds take. */
export function TemplateInsightsPage() {
  const template = useTemplate();
  useTitle(`${template.display_name || template.name} insights`);
  const users = useQuery(templateDausQuery(template.id));
  return (
    <div className="flex max-w-4xl flex-col gap-8">
      <FormSection title="Daily active users">
        <Loaded query={users}>
          {({ entries }) =>
            entries.length === 0 ? (
              <Empty icon={<ChartColumn aria-hidden />} title="No activity yet" />
            ) : (
              <DailyBars label="Daily active users" bars={entries} />
            )
          }
        </Loaded>
      </FormSection>
      <FormSection title="Build times">
        <table className="w-full max-w-md">
          <thead>
            <tr className="text-left text-muted text-xs">
              <th className="pb-1 font-normal" scope="col">
                Build
              </th>
              <th className="pb-1 text-right font-normal" scope="col">
                Median
              </th>
              <th className="pb-1 text-right font-normal" scope="col">
                95th percentile
              </th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(TRANSITIONS).map(([transition, label]) => {
              const { P50, P95 } = template.build_time_stats[transition] ?? {};
              return (
                <tr key={transition} className="border-line border-t">
                  <th scope="row" className="py-2 text-left font-normal">
                    {label}
                  </th>
                  <td className="text-right tabular-nums">{P50 ? duration(P50) : "–"}</td>
                  <td className="text-right tabular-nums">{P95 ? duration(P95) : "–"}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </FormSection>
    </div>
  );
}

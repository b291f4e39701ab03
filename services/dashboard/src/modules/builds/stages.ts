import type { ProvisionerJobLog } from "@fleet/sdk";

/** Times in milliseconds since the epoch; `endedAt` is undefined while the stage runs. */
export type Stage = {
  id: number;
  name: string;
  lines: ProvisionerJobLog[];
  startedAt: number;
  endedAt: number | undefined;
};

/** Groups consecutive lines by stage; a stage ends when the next begins. */
export function stagesOf(lines: readonly ProvisionerJobLog[], endedAt: string | undefined): Stage[] {
  const stages: Stage[] = [];
  for (const line of lines) {
    const time = Date.parse(line.created_at);
    const current = stages.at(-1);
    // An empty line announces a stage and is not shown.
    const text = line.output === "" ? [] : [line];
    if (current && (current.name === line.stage || line.stage === "")) {
      current.lines.push(...text);
      continue;
    }
    if (current) current.endedAt = time;
    stages.push({
      id: line.id,
      name: line.stage || "Build",
      lines: text,
      startedAt: time,
      endedAt: undefined,
    });
  }
  const last = stages.at(-1);
  if (last && endedAt) last.endedAt = Date.parse(endedAt);
  return stages;
}

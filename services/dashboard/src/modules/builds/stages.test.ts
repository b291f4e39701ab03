import type { ProvisionerJobLog } from "@fleet/sdk";
import { stagesOf } from "./stages.js";

const line = (id: number, second: number, stage: string, output: string): ProvisionerJobLog => ({
  id,
  stage,
  output,
  created_at: new Date(second * 1_000).toISOString(),
  log_source: "provisioner",
  log_level: "info",
});

test("consecutive lines form a stage, which ends where the next begins", () => {
  const lines = [
    line(1, 0, "Plan", ""),
    line(2, 1, "Plan", "a"),
    line(3, 4, "Apply", "b"),
    line(4, 5, "", "c"),
  ];
  const stages = stagesOf(lines, new Date(9_000).toISOString());
  expect(stages.map(({ name, startedAt, endedAt }) => [name, startedAt, endedAt])).toEqual([
    ["Plan", 0, 4_000],
    ["Apply", 4_000, 9_000],
  ]);
  expect(stages.map((stage) => stage.lines.map(({ output }) => output))).toEqual([["a"], ["b", "c"]]);
});

test("the last stage of a running build has no end", () => {
  expect(stagesOf([line(1, 0, "Plan", "a")], undefined)[0]?.endedAt).toBeUndefined();
});

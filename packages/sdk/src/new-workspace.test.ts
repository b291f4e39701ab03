import { versionOfNewWorkspace } from "./new-workspace.js";
import type { TemplateRollout } from "./types/rollouts.js";

const template = { active_version_id: "former" };
const rollout = { template_version_id: "next", percent: 10, ended_at: null } as TemplateRollout;
const ended = { ...rollout, percent: 100, ended_at: "2030-01-01T00:00:00Z" };

test("a new workspace takes a rollout's version with the probability of its share", () => {
  const drawn = (at: number, ...rollouts: TemplateRollout[]) =>
    versionOfNewWorkspace(template, rollouts, () => at);
  expect(drawn(0.099, ended, rollout)).toBe("next");
  expect(drawn(0.1, ended, rollout)).toBe("former");
  expect(drawn(0, { ...rollout, percent: 0 })).toBe("former");
  expect(drawn(0.999, { ...rollout, percent: 100 })).toBe("next");
  expect([drawn(0), drawn(0, ended)]).toEqual(["former", "former"]);
});

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../environment.js";

/** Steps that share one folder and one state: terraform's configuration, and the provider's environment. */
export type Step = { readonly template: string; readonly env: Environment };
export type Scenario = { readonly name: string; readonly steps: readonly Step[] };

/**
 * One folder per scenario: `env.json` has each step's variables, `N.tf` the template from step N on.
 */
export function loadScenarios(): Scenario[] {
  const root = join(import.meta.dirname, "scenarios");
  return readdirSync(root)
    .sort()
    .map((name) => ({ name, steps: loadSteps(join(root, name)) }));
}

function loadSteps(folder: string): Step[] {
  const envs = JSON.parse(readFileSync(join(folder, "env.json"), "utf8")) as Environment[];
  let template = "";
  return envs.map((env, index) => {
    const file = join(folder, `${index + 1}.tf`);
    if (existsSync(file)) template = readFileSync(file, "utf8");
    return { template, env };
  });
}

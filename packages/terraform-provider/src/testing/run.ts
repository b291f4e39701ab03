import type { Environment } from "../environment.js";
import type { Scenario } from "./scenarios.js";
import { createTerraform, type TerraformResult } from "./terraform.js";

/** A provider to pass to terraform; disposed after a step. */
export type Host = AsyncDisposable & { readonly reattach: string };

/** Terraform's output for a step, with random ids and tokens replaced. */
export type Outcome = {
  /** Addresses that failed, in the plan or the apply. */
  readonly refused: readonly string[];
  readonly warnings: readonly string[];
  /** Actions and values of each planned change; empty if there was an error. */
  readonly changes: unknown;
  /** Values of data sources and of existing resources. */
  readonly prior: unknown;
  readonly state: unknown;
};

/** Plans and applies each step, as a build does, with a new provider for each. */
export async function runScenario(
  { steps }: Scenario,
  host: (env: Environment) => Promise<Host>,
): Promise<Outcome[]> {
  await using terraform = await createTerraform();
  const outcomes: Outcome[] = [];
  for (const { template, env } of steps) {
    await using provider = await host(env);
    const own = { TF_REATTACH_PROVIDERS: provider.reattach };
    await terraform.write("main.tf", template);
    const plan = await terraform.run(["plan", "-json", "-out=plan"], own);
    const apply = plan.code === 0 ? await terraform.run(["apply", "-json", "plan"], own) : undefined;
    const diagnostics = [plan, apply].flatMap((result) => (result ? diagnosticsOf(result) : []));
    const addresses = (severity: string) =>
      [
        ...new Set(
          diagnostics.filter((told) => told.severity === severity).map((told) => told.address ?? ""),
        ),
      ].sort();
    const refused = addresses("error");
    const shown = refused.length === 0;
    if (shown && apply?.code !== 0) throw new Error(`terraform failed without saying why: ${plan.stderr}`);
    const planned = shown ? JSON.parse((await terraform.run(["show", "-json", "plan"], own)).stdout) : {};
    const state = shown ? JSON.parse((await terraform.run(["show", "-json"], own)).stdout) : {};
    outcomes.push(
      withoutIds({
        refused,
        warnings: addresses("warning"),
        changes: changesOf(planned),
        prior: planned.prior_state?.values ?? null,
        state: state.values ?? null,
      }),
    );
  }
  return outcomes;
}

type Told = { severity: string; address?: string };

function diagnosticsOf({ stdout }: TerraformResult): Told[] {
  return stdout
    .split("\n")
    .filter((line) => line.includes('"diagnostic"'))
    .map((line) => (JSON.parse(line) as { diagnostic: Told }).diagnostic);
}

type Change = { address: string; change: Record<string, unknown> & { replace_paths?: string[][] } };

function changesOf(planned: { resource_changes?: Change[] }) {
  return (planned.resource_changes ?? []).map(({ address, change }) => ({
    address,
    ...change,
    // Which member of a nested block forces a replacement is informational only.
    replace_paths: [...new Set(change.replace_paths?.map(([first]) => first))].sort(),
  }));
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

function withoutIds<T>(value: T): T {
  return JSON.parse(JSON.stringify(value).replace(UUID, "<uuid>")) as T;
}

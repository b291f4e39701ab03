import { FleetError } from "@fleet/base";
import type { Judge, JudgedPlan, Verdict } from "../policies/judge.js";
import { JobLost } from "../provisionerjobs/errors.js";
import type { JobKind } from "../provisionerjobs/kind.js";
import { checkResources } from "../resources/check.js";
import { insertResources } from "../resources/store.js";
import type { NewResource } from "../resources/types.js";
import {
  type DeclaredVariable,
  type ImportedVersion,
  type NameValue,
  setValuesOf,
  storeImport,
  type VersionFacts,
  type VersionWorkStore,
} from "./work-store.js";

export type ImportWork = {
  facts: VersionFacts;
  variables: { name: string; value: string; sensitive: boolean }[];
};
export type ImportResult = ImportedVersion & { startResources: NewResource[]; stopResources: NewResource[] };

export type DryRunWork = {
  facts: VersionFacts;
  workspaceName: string;
  parameters: NameValue[];
  variables: { name: string; value: string; sensitive: boolean }[];
  mockProviders: boolean;
  /** Its daemon sends the planned changes, because policies judge them. */
  wantsPlan: boolean;
};
export type DryRunResult = {
  resources: NewResource[];
  /** If it was wanted. */
  plan: JudgedPlan | undefined;
  dailyCost: number;
  /** How policies judge it. */
  verdict?: Verdict;
};

/** The job input of a dry run besides the version. */
export type DryRunInput = {
  template_version_id: string;
  workspace_name: string;
  rich_parameter_values: NameValue[];
  user_variable_values: NameValue[];
  mock_providers?: boolean;
};

export function createImportKind(store: VersionWorkStore): JobKind<ImportWork, ImportResult> {
  return {
    async describe(jobs) {
      const values = new Map(jobs.map((job) => [job.id, setValuesOf(job.input)]));
      const facts = await store.facts(jobs.map(({ id }) => id));
      return new Map(
        facts.map((fact) => [
          fact.jobId,
          { facts: fact, variables: values.get(fact.jobId)!.map((value) => ({ ...value, sensitive: true })) },
        ]),
      );
    },
    async complete(tx, results, now) {
      for (const { jobId, result } of results) {
        checkResources(result.startResources);
        checkVersion(result);
        await storeImport(tx, jobId, result, withValues);
      }
      const resources = results.flatMap(({ jobId, result }) => [
        { jobId, transition: "start" as const, workspaceId: null, resources: result.startResources },
        { jobId, transition: "stop" as const, workspaceId: null, resources: result.stopResources },
      ]);
      await insertResources(tx, resources, now);
      return [];
    },
    fail: async () => [],
  };
}

export function createDryRunKind(store: VersionWorkStore, judge: Judge): JobKind<DryRunWork, DryRunResult> {
  return {
    async prepare(jobId, result) {
      const { plan, dailyCost } = result;
      // A dry run has no state, so nothing that it plans can lose data.
      const verdict = await judge.judge({ jobId, plan, dailyCost, losses: async () => new Set() });
      return { ...result, verdict };
    },

    async describe(jobs) {
      const inputs = new Map(jobs.map((job) => [job.id, job.input as DryRunInput]));
      const facts = await store.facts(jobs.map(({ id }) => id));
      return new Map(
        facts.map((fact) => {
          const input = inputs.get(fact.jobId)!;
          const given = new Map((input.user_variable_values ?? []).map(({ name, value }) => [name, value]));
          const variables = (fact.variables ?? []).map((variable) => ({
            ...variable,
            value: given.get(variable.name) ?? variable.value,
          }));
          return [
            fact.jobId,
            {
              facts: fact,
              workspaceName: input.workspace_name,
              parameters: input.rich_parameter_values ?? [],
              variables,
              mockProviders: input.mock_providers === true,
              wantsPlan: fact.judged,
            },
          ];
        }),
      );
    },
    storesOf: ({ resources, verdict }) => resources.length > 0 || (verdict?.policies.length ?? 0) > 0,
    async complete(tx, results, now) {
      for (const { jobId, result } of results) {
        if (result.verdict) await judge.record(tx, jobId, result.verdict);
      }
      const resources = results.map(({ jobId, result }) => ({
        jobId,
        transition: "start" as const,
        workspaceId: null,
        resources: result.resources,
      }));
      await insertResources(tx, resources, now);
      return [];
    },
    fail: async () => [],
  };
}

/** Stores what a running import found in the template, and returns the values to plan with. */
export async function declareVariables(
  store: VersionWorkStore,
  request: { jobId: string; daemonId: string; variables: DeclaredVariable[]; readme: string },
): Promise<{ name: string; value: string; sensitive: boolean }[]> {
  const version = await store.importing(request.jobId, request.daemonId);
  if (!version) throw new JobLost(request.jobId);
  const variables = withValues(request.variables, { user_variable_values: version.values });
  await store.declare(version.versionId, variables, request.readme);
  const known = new Set(version.values.map(({ name }) => name));
  // Terraform applies defaults itself: pass only values set by the user.
  return variables
    .filter(({ name }) => known.has(name))
    .map(({ name, value, sensitive }) => ({ name, value, sensitive }));
}

function withValues(
  variables: readonly DeclaredVariable[],
  input: unknown,
): (DeclaredVariable & { value: string })[] {
  const values = new Map(setValuesOf(input).map(({ name, value }) => [name, value]));
  return variables.map((variable) => ({
    ...variable,
    value: values.get(variable.name) ?? variable.defaultValue,
  }));
}

function checkVersion({ parameters, presets }: ImportedVersion): void {
  const names = new Set<string>();
  for (const { name } of parameters) {
    if (names.has(name))
      throw new FleetError(
        "invalid_argument",
        `Parameter name "${name}" is used more than once. Parameter names must be unique.`,
      );
    names.add(name);
  }
  const titles = new Set<string>();
  for (const preset of presets) {
    if (titles.has(preset.name)) {
      throw new FleetError(
        "invalid_argument",
        `Preset name "${preset.name}" is used more than once. Preset names must be unique.`,
      );
    }
    titles.add(preset.name);
  }
}

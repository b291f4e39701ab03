import { type ParameterValue, resolveValues, type Violation } from "@fleet/parameters";
import { matches } from "@fleet/parameters/re2";
import { type EvaluatedParameter, TemplateNotEvaluated } from "../evaluations/evaluation.js";
import { type Evaluated, withEvaluations } from "../evaluations/needed.js";
import type { Evaluations } from "../evaluations/service.js";
import { BadParameters } from "../parameters/errors.js";
import { resolveParameters } from "../parameters/parameters.js";
import { definitionOf, type ParameterRow, type VersionStore } from "../templateversions/store.js";
import type { DryRunValues } from "../templateversions/writer.js";

/** Values that change what is asked again and again never settle. */
const MAX_ROUNDS = 5;

export type StartValues = {
  versionId: string;
  ownerId: string;
  workspace: { id: string; name: string };
  given: readonly ParameterValue[];
  /** As the import stored it; its values may depend on others. */
  preset: { name: string; parameters: Readonly<Record<string, string>> } | undefined;
  previous: readonly ParameterValue[];
};

/**
 * The values to start a workspace with, and its tags, where the values decide what the template asks for. Evaluates
 * until the values that are used are those that were evaluated.
 *
 * @throws BadParameters with a message for each invalid parameter, TemplateNotEvaluated.
 */
export function startValues(
  { given, previous, ...request }: StartValues,
  evaluated: Evaluated,
): { parameters: ParameterValue[]; workspaceTags: Record<string, string> } {
  const { versionId, ownerId, workspace } = request;
  const chosen = objectOf(given);
  const before = objectOf(previous);
  let preset = request.preset?.parameters ?? {};
  let kept = before;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const inputs = { ...kept, ...chosen, ...preset };
    const evaluation = evaluated({ versionId, ownerId, workspace, inputs });
    const errors = evaluation.diagnostics.filter(({ severity }) => severity === "error");
    if (errors.length > 0) throw new TemplateNotEvaluated(errors);

    const found = evaluation.presets.find(({ name }) => name === request.preset?.name);
    const nextPreset = found?.parameters ?? preset;
    const ephemeral = new Set(
      evaluation.parameters.flatMap(({ definition }) => (definition.ephemeral ? [definition.name] : [])),
    );
    const nextKept = Object.fromEntries(Object.entries(kept).filter(([name]) => !ephemeral.has(name)));
    const settled =
      sameValues(nextPreset, preset) && sameValues({ ...nextKept, ...chosen, ...preset }, inputs);
    preset = nextPreset;
    kept = nextKept;
    if (!settled) continue;

    const definitions = evaluation.parameters.map(({ definition }) => definitionOf(definition));
    const { values, violations } = resolveValues({
      definitions,
      starts: true,
      given,
      preset,
      previous,
      matches,
    });
    const all = [...violations, ...faultsOf(evaluation.parameters, violations)];
    if (all.length > 0) throw new BadParameters(all);
    return { parameters: values, workspaceTags: evaluation.workspaceTags };
  }
  throw new TemplateNotEvaluated([
    { severity: "error", summary: "The values of the preset change each time they are used.", detail: "" },
  ]);
}

/**
 * The values of a stop or deletion: those that the workspace has, whatever the template asks for by now, and those that
 * are given for parameters that it has or had.
 */
export function lastValues({
  given,
  previous,
  imported,
}: Pick<StartValues, "given" | "previous"> & { imported: readonly ParameterRow[] }) {
  const known = new Set([...previous, ...imported].map(({ name }) => name));
  const values = { ...objectOf(previous), ...objectOf(given.filter(({ name }) => known.has(name))) };
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

/** Faults of the definitions, which terraform would find as well. */
function faultsOf(parameters: readonly EvaluatedParameter[], violations: readonly Violation[]): Violation[] {
  const known = new Set(violations.map(({ name }) => name));
  return parameters.flatMap(({ definition: { name }, diagnostics }) => {
    const error = diagnostics.find(({ severity }) => severity === "error");
    if (!error || known.has(name)) return [];
    return [{ name, fault: error.detail ? `${error.summary}: ${error.detail}` : error.summary }];
  });
}

function objectOf(values: readonly ParameterValue[]): Record<string, string> {
  return Object.fromEntries(values.map(({ name, value }) => [name, value]));
}

function sameValues(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
  );
}

/** The values of a dry run of a version, as a start of a workspace of that name would have them. */
export function createDryRunValues({
  versions,
  evaluations,
}: {
  versions: VersionStore;
  evaluations: Evaluations;
}): DryRunValues {
  return async ({ versionId, ownerId, workspaceName, given }) => {
    const imported = await versions.parameters(versionId);
    const previous: ParameterValue[] = [];
    if (!(await versions.isDynamic(versionId)))
      return resolveParameters({
        definitions: imported.map(definitionOf),
        transition: "start",
        given,
        previous,
      });
    const workspace = { id: "", name: workspaceName };
    const request = { versionId, ownerId, workspace, given, preset: undefined, previous };
    return withEvaluations(evaluations, async (evaluated) => startValues(request, evaluated).parameters);
  };
}

import type { Diagnostic, FormField, NameValue } from "@fleet/sdk";
import { FleetError, fieldError, REQUIRED } from "@fleet/sdk/browser";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { client } from "../../api/client.js";
import type { LiveState } from "../../api/live.js";
import { createEvaluation, type EvaluationState } from "./evaluation.js";
import { type ParameterForm, useFaults } from "./form.js";
import type { ParameterValues } from "./values.js";

export type DynamicForm = ParameterForm<FormField> & {
  /** False until the first answer. */
  isLoaded: boolean;
  /** Entered values have not been evaluated yet. */
  isEvaluating: boolean;
  /** Errors and warnings of the template as a whole. */
  diagnostics: readonly Diagnostic[];
  connection: LiveState;
  /** Evaluates the same values again, after an evaluation that failed. */
  retry(): void;
};

/**
 * State of a form whose parameters the server evaluates for the values entered: they appear, disappear and change their
 * options and defaults. What was typed into a parameter that disappears is there again when it reappears. The version
 * and the owner must not change: give the component a key.
 */
export function useDynamicForm(options: {
  version: string;
  ownerId: string;
  /** Values to start with. */
  known: readonly NameValue[];
  previous?: readonly NameValue[];
}): DynamicForm {
  const { version, ownerId, known, previous = [] } = options;
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [evaluation] = useState(() =>
    createEvaluation({
      ownerId,
      known: Object.fromEntries(known.map(({ name, value }) => [name, value])),
      open: (signal) =>
        client.templateVersionDynamicParameters({ params: { version }, query: { user_id: ownerId }, signal }),
    }),
  );
  useEffect(() => evaluation.start(), [evaluation]);
  const state = useSyncExternalStore(evaluation.subscribe, evaluation.state);
  const parameters = useMemo(() => state.fields ?? [], [state.fields]);
  const values = valuesOf(state);
  const faults = { ...serverErrors(state), ...useFaults(parameters, values, previous) };
  const refused = new Set(parameters.filter((each) => each.form_type === "error").map(({ name }) => name));

  function enter(added: ParameterValues): void {
    setTouched((before) => new Set([...before, ...Object.keys(added)]));
    evaluation.enter(added);
  }
  return {
    parameters,
    values,
    set: (name, value) => enter({ [name]: value }),
    merge: enter,
    isTouched: (name) => touched.has(name),
    check: () => faults,
    // A missing value is reported once the user has been at the field, or submits the form.
    errors: Object.fromEntries(
      Object.entries(faults).filter(
        ([name]) => touched.has(name) || values[name] !== "" || refused.has(name),
      ),
    ),
    async ready() {
      const settled = await evaluation.settled();
      const wrong = Object.entries(serverErrors(settled)).map(([field, detail]) => ({ field, detail }));
      if (wrong.length > 0)
        throw new FleetError("invalid_argument", "Some parameters are invalid.", { validations: wrong });
      const failed = settled.diagnostics.find(({ severity }) => severity === "error");
      if (failed) throw new FleetError("failed_precondition", failed.summary, { detail: failed.detail });
      const all = valuesOf(settled);
      return (settled.fields ?? [])
        .filter(({ name, value }) => name in settled.inputs || value !== undefined)
        .map(({ name }) => ({ name, value: all[name] ?? "" }));
    },
    isLoaded: state.fields !== undefined,
    isEvaluating: state.evaluated !== state.inputs,
    diagnostics: state.diagnostics,
    connection: state.connection,
    retry: evaluation.retry,
  };
}

/** Entered values, and those that the template gives to the others. */
function valuesOf({ fields = [], inputs }: EvaluationState): ParameterValues {
  return Object.fromEntries(fields.map(({ name, value }) => [name, inputs[name] ?? value ?? ""]));
}

/** What the evaluation says of values that have not changed since. */
function serverErrors({ fields = [], inputs, evaluated }: EvaluationState): Record<string, string> {
  const errors = fields
    .filter(({ name }) => inputs[name] === evaluated?.[name])
    .map((field) => [field.name, isMissing(field) ? "A value is required." : fieldError(field)] as const);
  return Object.fromEntries(errors.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function isMissing({ diagnostics }: FormField): boolean {
  return diagnostics.some(({ severity, extra }) => severity === "error" && extra.code === REQUIRED);
}

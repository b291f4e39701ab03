import { createHash } from "node:crypto";
import { type Clock, FleetError } from "@fleet/base";
import { valueFault } from "@fleet/parameters";
import { matches } from "@fleet/parameters/re2";
import { definitionOf, type ParameterRow, type VersionStore } from "../templateversions/store.js";
import type { Dispatcher } from "./dispatcher.js";
import { type Diagnostic, type Evaluation, type EvaluationAsk, keyOfAsk } from "./evaluation.js";
import type { EvaluationFacts, EvaluationStore } from "./store.js";

/** What template versions ask for, with given values and for an owner. */
export type Evaluations = {
  /**
   * Evaluates a version's parameters, presets and tags: by terraform, unless they are always as its import found them.
   * Throws `not_found` if the version or owner does not exist, and `unavailable` with a sentence if no provisioner
   * evaluates in time.
   */
  evaluate(ask: EvaluationAsk, signal?: AbortSignal): Promise<Evaluation>;
};

/** Results that are kept, for how long, and their total size as JSON. */
const CACHE = { entries: 2_000, ttlMs: 60_000, bytes: 32 * 1024 * 1024 };

export type EvaluationsOptions = {
  store: EvaluationStore;
  versions: VersionStore;
  dispatcher: Dispatcher;
  clock: Clock;
};

export function createEvaluations({ store, versions, dispatcher, clock }: EvaluationsOptions): Evaluations {
  const kept = new Map<string, { text: string; untilMs: number }>();
  let bytes = 0;

  function recall(key: string): Evaluation | undefined {
    const found = kept.get(key);
    if (!found || found.untilMs <= clock.now().getTime()) return undefined;
    return JSON.parse(found.text) as Evaluation;
  }

  function remember(key: string, evaluation: Evaluation): void {
    const text = JSON.stringify(evaluation);
    forget(key);
    kept.set(key, { text, untilMs: clock.now().getTime() + CACHE.ttlMs });
    bytes += text.length;
    for (const oldest of kept.keys()) {
      if (kept.size <= CACHE.entries && bytes <= CACHE.bytes) return;
      forget(oldest);
    }
  }

  function forget(key: string): void {
    bytes -= kept.get(key)?.text.length ?? 0;
    kept.delete(key);
  }

  return {
    async evaluate(ask, signal = NEVER) {
      const facts = await store.facts(ask.versionId, ask.ownerId);
      if (!facts) throw new FleetError("not_found", "Template version or owner not found.");
      if (!facts.dynamic) return asImported(await versions.parameters(ask.versionId), ask.inputs);
      const key = keyOf(facts, ask);
      const known = recall(key);
      if (known) return known;
      const evaluation = completed(
        await dispatcher.run(facts, ask, signal),
        asImported(await versions.parameters(ask.versionId), ask.inputs),
      );
      remember(key, evaluation);
      return evaluation;
    },
  };
}

const NEVER = new AbortController().signal;

/** With all that the result depends on, so that nothing has to be invalidated. */
function keyOf(facts: EvaluationFacts, ask: EvaluationAsk): string {
  return createHash("sha256")
    .update(`${JSON.stringify(facts)} ${keyOfAsk(ask)}`)
    .digest("base64");
}

/** For a version whose parameters do not change: what its import stored, with the given values. */
function asImported(rows: readonly ParameterRow[], inputs: EvaluationAsk["inputs"]): Evaluation {
  const parameters = rows.map((row) => {
    const { templateVersionId: _, ...definition } = row;
    const given = Object.hasOwn(inputs, row.name) ? inputs[row.name] : undefined;
    const fault = given === undefined ? undefined : valueFault(definitionOf(row), given, { matches });
    const diagnostics: Diagnostic[] = fault ? [{ severity: "error", summary: fault, detail: "" }] : [];
    return { definition, value: given ?? (row.required ? null : row.defaultValue), unknown: [], diagnostics };
  });
  return { parameters, presets: [], workspaceTags: {}, diagnostics: [], partial: false };
}

/** What an evaluation cannot tell before a build is as the import found it. */
function completed(evaluation: Evaluation, imported: Evaluation): Evaluation {
  const byName = new Map(imported.parameters.map((parameter) => [parameter.definition.name, parameter]));
  const parameters = evaluation.parameters.map((parameter) => {
    const known = parameter.unknown.length > 0 ? byName.get(parameter.definition.name) : undefined;
    return known ? { ...known, diagnostics: [...parameter.diagnostics, ...known.diagnostics] } : parameter;
  });
  const told = new Set(evaluation.parameters.map(({ definition }) => definition.name));
  const others = imported.parameters.filter(
    ({ definition }) => evaluation.partial && !told.has(definition.name),
  );
  return { ...evaluation, parameters: [...parameters, ...others] };
}

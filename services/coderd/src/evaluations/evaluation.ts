import { FleetError } from "@fleet/base";
import type { ParameterRow } from "../templateversions/store.js";

/** A problem of a template, or of a value for it. */
export type Diagnostic = { severity: "error" | "warning"; summary: string; detail: string };

export type EvaluatedParameter = {
  definition: Omit<ParameterRow, "templateVersionId">;
  /** The given value, else the default; null if there is neither, or if it is unknown. */
  value: string | null;
  /** Names of the attributes that are not known until a build. */
  unknown: string[];
  diagnostics: Diagnostic[];
};

/** What a template version asks for, for one set of values and one owner. */
export type Evaluation = {
  /** In the order in which a user is asked. */
  parameters: EvaluatedParameter[];
  presets: { name: string; parameters: Record<string, string> }[];
  workspaceTags: Record<string, string>;
  /** Problems of no particular parameter. */
  diagnostics: Diagnostic[];
  /** Parameters may be missing. */
  partial: boolean;
};

/** What to evaluate. */
export type EvaluationAsk = {
  versionId: string;
  ownerId: string;
  /** Empty strings for a workspace that does not exist yet. */
  workspace: { id: string; name: string };
  inputs: Readonly<Record<string, string>>;
};

/** The template's own errors keep its parameters from being known, so that no build can be checked. */
export class TemplateNotEvaluated extends FleetError {
  constructor(errors: readonly Diagnostic[]) {
    const [first] = errors;
    super("invalid_argument", `The template's parameters could not be evaluated: ${first!.summary}`, {
      detail: errors.map(({ summary, detail }) => (detail ? `${summary}: ${detail}` : summary)).join("\n"),
    });
  }
}

/** Identifies an evaluation: the same for equal inputs in any order. */
export function keyOfAsk({ versionId, ownerId, workspace, inputs }: EvaluationAsk): string {
  const sorted = Object.entries(inputs).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([versionId, ownerId, workspace.id, workspace.name, sorted]);
}

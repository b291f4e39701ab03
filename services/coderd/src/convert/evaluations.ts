import type { MessageInitShape } from "@bufbuild/protobuf";
import { PARAMETER_TYPES } from "@fleet/parameters";
import {
  Diagnostic_Severity,
  type Diagnostic as DiagnosticMessage,
  type EvaluatedParameters,
  type EvaluateSchema,
  Transition,
} from "@fleet/proto-gen/provisioner";
import type * as wire from "@fleet/sdk";
import type { EvaluationWork } from "../evaluations/dispatcher.js";
import type { Diagnostic, EvaluatedParameter, Evaluation } from "../evaluations/evaluation.js";
import { toInstallation } from "./installation.js";
import { fromParameter, ownerRoles } from "./provisioner.js";
import { toFormField } from "./templates.js";

/** Maximum size of a result, as JSON. */
const MAX_RESULT_BYTES = 4 * 1024 * 1024;

/** The owner's tokens and private keys are not part of an evaluation. */
export function toEvaluate(
  { id, facts, ask, timeoutMs }: EvaluationWork,
  accessUrl: string,
): MessageInitShape<typeof EvaluateSchema> {
  return {
    id,
    provisioner: facts.provisioner,
    source: { fileId: facts.fileId, sha256: facts.fileHash, mimetype: facts.mimetype },
    metadata: {
      coderUrl: accessUrl,
      transition: Transition.START,
      workspaceId: ask.workspace.id,
      workspaceName: ask.workspace.name,
      templateId: facts.templateId ?? "",
      templateName: facts.templateName ?? "",
      templateVersion: facts.versionName,
      ownerId: facts.ownerId,
      ownerName: facts.ownerName,
      ownerFullName: facts.ownerFullName,
      ownerEmail: facts.ownerEmail,
      ownerGroups: facts.ownerGroups,
      ownerLoginType: facts.ownerLoginType,
      ownerRbacRoles: ownerRoles(facts),
      ownerSshPublicKey: facts.ownerSshPublicKey,
    },
    richParameterValues: Object.entries(ask.inputs).map(([name, value]) => ({ name, value })),
    variableValues: facts.variables ?? [],
    ...(facts.installation && { installation: toInstallation(facts.installation) }),
    timeoutMs: BigInt(timeoutMs),
  };
}

/** A daemon's result, or a sentence if it cannot be used. */
export function fromEvaluated(message: EvaluatedParameters): { evaluation: Evaluation } | { error: string } {
  const evaluation: Evaluation = {
    parameters: message.parameters.flatMap(
      ({ definition, value, unknown, diagnostics }): EvaluatedParameter[] => {
        if (!definition) return [];
        const parameter = fromParameter(definition);
        const type = (PARAMETER_TYPES as readonly string[]).includes(parameter.type)
          ? parameter.type
          : "string";
        return [
          {
            definition: { ...parameter, type },
            value: value ?? null,
            unknown,
            diagnostics: diagnostics.map(fromDiagnostic),
          },
        ];
      },
    ),
    presets: message.presets.map(({ name, parameters }) => ({ name, parameters })),
    workspaceTags: message.workspaceTags,
    diagnostics: message.diagnostics.map(fromDiagnostic),
    partial: message.partial,
  };
  if (JSON.stringify(evaluation).length <= MAX_RESULT_BYTES) return { evaluation };
  return {
    error: "The template's parameters are too large: descriptions and options are limited to 4 MiB in total.",
  };
}

function fromDiagnostic({ severity, summary, detail }: DiagnosticMessage): Diagnostic {
  return { severity: severity === Diagnostic_Severity.ERROR ? "error" : "warning", summary, detail };
}

/** The form for the values that were evaluated. */
export function toDynamicParameters(id: number, evaluation: Evaluation): wire.DynamicParametersResponse {
  return {
    id,
    diagnostics: evaluation.diagnostics.map((diagnostic) => toDiagnostic(diagnostic)),
    parameters: evaluation.parameters.map(toDynamicParameter),
  };
}

function toDynamicParameter({
  definition,
  value,
  unknown,
  diagnostics,
}: EvaluatedParameter): wire.DynamicParameter {
  const missing = definition.required && value === null;
  return {
    ...toFormField(definition, value, unknown),
    diagnostics: [
      ...diagnostics.map((diagnostic) => toDiagnostic(diagnostic)),
      ...(missing
        ? [toDiagnostic({ severity: "error", summary: "A value is required.", detail: "" }, "required")]
        : []),
    ],
  };
}

export function toDiagnostic(diagnostic: Diagnostic, code = ""): wire.Diagnostic {
  return { ...diagnostic, extra: { code } };
}

import { create } from "@bufbuild/protobuf";
import {
  Diagnostic_Severity,
  DiagnosticSchema,
  type EvaluatedParameter,
  EvaluatedParameterSchema,
} from "@fleet/proto-gen/provisioner";
import {
  compareParameters,
  type DiagnosticInit,
  type EvaluatedParametersInit,
  type EvaluateRequest,
  type Instance,
  parametersOf,
  presetsOf,
  UNKNOWN_NAME,
  workspaceTagsOf,
} from "@fleet/provisionersdk";
import type { DataRead } from "@fleet/terraform-provider";
import type { Planned, ToolDiagnostic } from "./plan.js";

/** Computed by the provider: never known of a data source that was not read. */
const COMPUTED: ReadonlySet<string> = new Set(["id", "value", "optional", "form_type"]);
/** About values of variables that the reduced configuration does not have. */
const OF_THE_REDUCTION = /undeclared variable/i;
/** How many of something there are depends on what is unknown: no fault of the template, whose builds know it. */
const KNOWN_LATER = /cannot be determined until apply/;

/** What a plan of a reduced configuration says about the template. */
export function resultOf(
  { reads, deferred, diagnostics }: Planned,
  request: EvaluateRequest,
  missing: readonly string[],
): EvaluatedParametersInit {
  const given = new Map(request.parameters.map(({ name = "", value = "" }) => [name, value]));
  const found = [
    ...reads.filter(({ type }) => type === "coder_parameter").map((read) => readParameter(read, given)),
    ...deferred
      .filter(({ instance }) => instance.type === "coder_parameter")
      .map(({ instance, unknown }) => deferredParameter(instance, unknown, given)),
  ];
  const later = diagnostics.filter(({ detail = "" }) => KNOWN_LATER.test(detail));
  const instances = [...reads.map(instanceOf), ...deferred.map(({ instance }) => instance)];
  return {
    parameters: withoutNamesakes(found.filter(({ definition }) => definition?.name)).sort((a, b) =>
      compareParameters(a.definition!, b.definition!),
    ),
    presets: presetsOf(instances).filter(({ name }) => name),
    workspaceTags: workspaceTagsOf(instances),
    partial: later.length + missing.length > 0,
    diagnostics: [
      ...diagnostics
        .filter((one) => !later.includes(one) && !OF_THE_REDUCTION.test(one.summary))
        .map(fromTool),
      ...later.map((one) => ({ ...fromTool(one), severity: Diagnostic_Severity.WARNING })),
      ...reads
        .filter(({ type }) => type !== "coder_parameter")
        .flatMap(({ type, values, faults }) =>
          faults.map((fault) => named(fromFault(fault), `${type} "${values.name ?? ""}"`)),
        ),
      ...found
        .filter(({ definition }) => !definition?.name)
        .map(() =>
          warning("A parameter is not shown", "Its name is not known until the workspace is built."),
        ),
      ...missing.map((module) =>
        warning(
          "A module is not evaluated",
          `${module} is not stored with the template version. Push the template again.`,
        ),
      ),
    ],
  };
}

function readParameter({ values, faults }: DataRead, given: ReadonlyMap<string, string>): EvaluatedParameter {
  const definition = parametersOf([instanceOf({ type: "coder_parameter", values })])[0]!;
  const hasValue = given.has(definition.name!) || !definition.required;
  return create(EvaluatedParameterSchema, {
    definition,
    ...(hasValue && { value: String(values.value ?? "") }),
    diagnostics: faults.map(fromFault),
  });
}

function deferredParameter(
  instance: Instance,
  unknown: readonly string[],
  given: ReadonlyMap<string, string>,
): EvaluatedParameter {
  const [definition] = parametersOf([instance]);
  const open = unknown.filter((name) => !COMPUTED.has(name));
  const value =
    given.get(definition!.name!) ?? (open.includes("default") ? undefined : instance.values.default);
  const required = !open.includes("default") && (instance.values.default ?? null) === null;
  return create(EvaluatedParameterSchema, {
    definition: { ...definition, required },
    ...(typeof value === "string" && { value }),
    unknown: open,
    diagnostics: [
      warning(
        `Not known until the workspace is built: ${open.map((name) => `"${name}"`).join(", ")}`,
        "It depends on a resource, or on data from outside of the template.",
      ),
    ],
  });
}

/** Of parameters with one name, the first; each says so. */
function withoutNamesakes(parameters: readonly EvaluatedParameter[]): EvaluatedParameter[] {
  const byName = Map.groupBy(parameters, ({ definition }) => definition!.name!);
  return [...byName].map(([name, [first, ...others]]) => {
    if (others.length === 0) return first!;
    const summary = `Parameter name "${name}" is used more than once. Parameter names must be unique.`;
    first!.diagnostics.push(create(DiagnosticSchema, { severity: Diagnostic_Severity.ERROR, summary }));
    return first!;
  });
}

function instanceOf({ type, values }: Pick<DataRead, "type" | "values">): Instance {
  const nothing = { address: "", label: "", modulePath: "", name: "", index: undefined, provider: "" };
  return { ...nothing, mode: "data", type, values };
}

function fromFault({ severity, summary, detail }: DataRead["faults"][number]): DiagnosticInit {
  return { severity: severityOf(severity), summary, detail: detail ?? "" };
}

/** With the place in the template, and its line unless that is not as the author wrote it. */
function fromTool({ severity, summary, detail = "", range, snippet }: ToolDiagnostic): DiagnosticInit {
  const place = range && `${range.filename}:${range.start.line}`;
  const code = snippet?.code?.includes(UNKNOWN_NAME) ? undefined : snippet?.code?.trim();
  const where = place && (code ? `${place}: ${code}` : place);
  return { severity: severityOf(severity), summary, detail: [where, detail].filter(Boolean).join("\n") };
}

function named(diagnostic: DiagnosticInit, what: string): DiagnosticInit {
  return { ...diagnostic, detail: [what, diagnostic.detail].filter(Boolean).join("\n") };
}

function warning(summary: string, detail: string): DiagnosticInit {
  return { severity: Diagnostic_Severity.WARNING, summary, detail };
}

function severityOf(severity: string): Diagnostic_Severity {
  return severity === "error" ? Diagnostic_Severity.ERROR : Diagnostic_Severity.WARNING;
}

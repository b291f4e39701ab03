import type { MessageInitShape } from "@bufbuild/protobuf";
import { FleetError } from "@fleet/base";
import { Diagnostic_Severity, type DiagnosticSchema } from "../gen/tfplugin5_pb.js";

/** A position in a configuration: attribute names, and indexes in lists. */
export type Path = readonly (string | number)[];

/** A message that terraform shows with the template line it refers to. */
export type Diagnostic = {
  readonly severity: "error" | "warning";
  readonly summary: string;
  readonly detail?: string;
  readonly path?: Path;
};

/** A validation error with its position. */
export class ConfigurationRefused extends FleetError {
  override readonly name = "ConfigurationRefused";
  readonly path: Path;

  constructor(summary: string, options: { detail?: string; path?: Path; cause?: unknown } = {}) {
    super("invalid_argument", summary, options);
    this.path = options.path ?? [];
  }
}

export function refusal(summary: string, path: Path = [], detail?: string): Diagnostic {
  return { severity: "error", summary, path, ...(detail === undefined ? {} : { detail }) };
}

/** A thrown value as terraform sees it: our own errors as they are, anything else without internals. */
export function diagnosticOf(error: unknown): Diagnostic {
  if (error instanceof ConfigurationRefused) return refusal(error.message, error.path, error.detail);
  return refusal(
    "Internal error in the coder provider. The template is not at fault. See the provisioner's log for details.",
  );
}

/** `rule.0.after`, as terraform's own messages write it. */
export function formatPath(path: Path): string {
  return path.join(".");
}

export function encodeDiagnostic(diagnostic: Diagnostic): MessageInitShape<typeof DiagnosticSchema> {
  return {
    severity: diagnostic.severity === "error" ? Diagnostic_Severity.ERROR : Diagnostic_Severity.WARNING,
    summary: diagnostic.summary,
    detail: diagnostic.detail ?? "",
    ...(diagnostic.path?.length ? { attribute: encodePath(diagnostic.path) } : {}),
  };
}

export function encodePath(path: Path) {
  return {
    steps: path.map((step) => ({
      selector:
        typeof step === "string"
          ? { case: "attributeName" as const, value: step }
          : { case: "elementKeyInt" as const, value: BigInt(step) },
    })),
  };
}

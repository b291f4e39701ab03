import { quoteLine } from "@fleet/provisionersdk/hcl";

/** A warning or error of terraform, as far as we use it. https://developer.hashicorp.com/terraform/cli/commands/validate */
export type Diagnostic = {
  severity: string;
  summary: string;
  detail?: string;
  address?: string;
  range?: { filename: string; start: { line: number } };
  snippet?: { code: string; start_line: number };
};

/** Lines of a snippet that are shown: an expression may be a whole script. */
const MAX_LINES = 5;

/** True for a diagnostic whose parts have the expected shapes. Other programs may print JSON of another shape. */
export function isDiagnostic(given: unknown): given is Diagnostic {
  if (!hasTexts(given, "severity", "summary", "detail", "address")) return false;
  const { severity, summary, range, snippet } = given;
  if (typeof severity !== "string" || typeof summary !== "string") return false;
  const isRange = isAbsent(range) || (hasTexts(range, "filename") && isObject(range.start));
  const isSnippet = isAbsent(snippet) || (isObject(snippet) && typeof snippet.code === "string");
  return isRange && isSnippet;
}

/** A sentence with file, line and address, and below it the source lines that it is about. */
export function describe({ severity, summary, detail, address, range, snippet }: Diagnostic): string {
  const places = [range && `${range.filename}:${range.start.line}`, address].filter(Boolean);
  const where = places.length > 0 ? ` (${places.join(", ")})` : "";
  const kind = severity === "warning" ? "Warning: " : "";
  const sentence = `${kind}${summary}${where}${detail ? `: ${detail.trimEnd()}` : ""}`;
  return [sentence, ...(snippet ? quoted(snippet) : [])].join("\n");
}

function quoted({ code, start_line: first }: NonNullable<Diagnostic["snippet"]>): string[] {
  const lines = code.split("\n");
  const shown = lines.slice(0, MAX_LINES).map((line, index) => quoteLine(first + index, line));
  return lines.length > MAX_LINES ? [...shown, "     | …"] : shown;
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

/** True for an object whose named members are texts or missing. */
export function hasTexts(of: unknown, ...names: string[]): of is Record<string, unknown> {
  return isObject(of) && names.every((name) => of[name] === undefined || typeof of[name] === "string");
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

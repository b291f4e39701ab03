import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../environment.js";
import type { RecordedCall } from "./recorder.js";
import type { schemaJson } from "./schema-json.js";

/** The output of `terraform providers schema -json` for upstream's 2.20.0, without descriptions. */
export function loadSchema(): ReturnType<typeof schemaJson> {
  return JSON.parse(readFileSync(fileOf(SCHEMA), "utf8"));
}

export function saveSchema(schema: ReturnType<typeof schemaJson>): void {
  writeFileSync(fileOf(SCHEMA), `${JSON.stringify(schema, null, 1)}\n`);
}

const SCHEMA = "schema-2.20.0";

/** The responses of upstream's provider in a scenario, by step, without duplicates. */
export type Recording = readonly { readonly env: Environment; readonly calls: readonly RecordedCall[] }[];

function fileOf(scenario: string): string {
  return join(import.meta.dirname, "fixtures", `${scenario}.json`);
}

export function loadRecording(scenario: string): Recording {
  return JSON.parse(readFileSync(fileOf(scenario), "utf8")) as Recording;
}

/** A line for each call, so that a changed answer is a changed line. What differs in random ids only is kept once. */
export function saveRecording(scenario: string, recording: Recording): void {
  const seen = new Set<string>();
  const steps = recording.map(({ env, calls }) => {
    const lines = calls.filter((call) => !isAccepted(call)).map((call) => JSON.stringify(call));
    const fresh = lines.filter((line) => {
      const key = JSON.stringify(env) + line.replace(UUID, "");
      return !seen.has(key) && seen.add(key);
    });
    return `{"env":${JSON.stringify(env)},"calls":[\n${fresh.sort().join(",\n")}\n]}`;
  });
  writeFileSync(fileOf(scenario), `[${steps.join(",\n")}]\n`);
}

/** A validation without diagnostics adds nothing to the plan or read that follows it. */
function isAccepted({ method, response }: RecordedCall): boolean {
  return method.startsWith("validate") && (response.diagnostics as unknown[]).length === 0;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** The parts of a response on which two providers must agree; of an error, only `refused`. */
export function comparable({ request, response }: Pick<RecordedCall, "request" | "response">): unknown {
  const { diagnostics = [], requiresReplace, ...values } = response;
  const told = diagnostics as string[];
  if (told.includes("ERROR")) return "refused";
  const asked = JSON.stringify(request);
  // A new resource replaces nothing, whatever the provider reports.
  const paths = request.priorState ? ((requiresReplace ?? []) as string[][]) : [];
  // Upstream also lists the id if anything else is listed.
  const replaced = paths.map(([first]) => first).filter((name) => name !== "id");
  const text = JSON.stringify({ ...values, warnings: told.length, replaced: [...new Set(replaced)].sort() });
  // Ids not in the request are random.
  return JSON.parse(text.replace(UUID, (id) => (asked.includes(id) ? id : "<uuid>")));
}

/** Upstream rejects the same configuration in another call of the build: rejecting it earlier is not a difference. */
export function refusedElsewhere(call: RecordedCall, calls: readonly RecordedCall[]): boolean {
  const about = ({ request }: RecordedCall) => JSON.stringify([request.typeName, request.config]);
  return calls.some((other) => about(other) === about(call) && comparable(other) === "refused");
}

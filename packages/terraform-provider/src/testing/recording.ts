import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../environment.js";
import type { RecordedCall } from "./recorder.js";
import type { schemaJson } from "./schema-json.js";

/** What `terraform providers schema -json` prints for upstream's 2.20.0, without descriptions. */
export function loadSchema(): ReturnType<typeof schemaJson> {
  return JSON.parse(readFileSync(fileOf(SCHEMA), "utf8"));
}

export function saveSchema(schema: ReturnType<typeof schemaJson>): void {
  writeFileSync(fileOf(SCHEMA), `${JSON.stringify(schema, null, 1)}\n`);
}

const SCHEMA = "schema-2.20.0";

/** What upstream's provider answered in a scenario, by step, without repetitions. */
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

/** A validation without a complaint says no more than the plan or read that follows it. */
function isAccepted({ method, response }: RecordedCall): boolean {
  return method.startsWith("validate") && (response.diagnostics as unknown[]).length === 0;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** An answer as far as two providers have to agree on it, `refused` being all that is said of a refusal. */
export function comparable({ request, response }: Pick<RecordedCall, "request" | "response">): unknown {
  const { diagnostics = [], requiresReplace, ...values } = response;
  const told = diagnostics as string[];
  if (told.includes("ERROR")) return "refused";
  const asked = JSON.stringify(request);
  // A creation replaces nothing, whatever the provider says of it.
  const paths = request.priorState ? ((requiresReplace ?? []) as string[][]) : [];
  // Upstream names the id as well where anything else is named.
  const replaced = paths.map(([first]) => first).filter((name) => name !== "id");
  const text = JSON.stringify({ ...values, warnings: told.length, replaced: [...new Set(replaced)].sort() });
  // Ids that the question did not name are random.
  return JSON.parse(text.replace(UUID, (id) => (asked.includes(id) ? id : "<uuid>")));
}

/** Upstream refuses the same configuration at another call of the build: telling it earlier is no difference. */
export function refusedElsewhere(call: RecordedCall, calls: readonly RecordedCall[]): boolean {
  const about = ({ request }: RecordedCall) => JSON.stringify([request.typeName, request.config]);
  return calls.some((other) => about(other) === about(call) && comparable(other) === "refused");
}

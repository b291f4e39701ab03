import { readFile } from "node:fs/promises";
import { text as textOf } from "node:stream/consumers";
import { FleetError } from "@fleet/base";
import type { CreatePolicyRequest } from "@fleet/sdk";
import type { Context } from "../../context.js";

/** A file of more policies than a deployment can have is a mistake. */
const MAX_POLICIES = 300;
const REQUIRED = ["name", "mode", "expression", "message"] as const;
const KEYS: readonly string[] = [...REQUIRED, "transitions", "message_expression"];

/**
 * The policies of a YAML file, `-` for standard input: one for each document. Values are checked by the server.
 * @throws invalid_argument with the place of the mistake.
 */
export async function readPolicies(context: Context, file: string): Promise<CreatePolicyRequest[]> {
  const source =
    file === "-"
      ? await textOf(context.io.stdin)
      : await readFile(file, "utf8").catch((cause: unknown) => {
          throw new FleetError("invalid_argument", `Could not read ${file}.`, { cause });
        });
  const { parseAllDocuments } = await import("yaml");
  const documents = parseAllDocuments(source);
  if (!Array.isArray(documents)) throw wrong(file, "has no policy");
  const policies = documents.flatMap((document, at) => {
    const [error] = document.errors;
    if (error) throw wrong(file, `is not YAML: ${error.message.split("\n", 1)[0]!.replace(/:$/, "")}`);
    const value: unknown = document.toJS({ maxAliasCount: 0 });
    // An empty document before or after a separator.
    if (value === null || value === undefined) return [];
    return [policyOf(file, value, `policy ${at + 1}`)];
  });
  if (policies.length === 0) throw wrong(file, "has no policy");
  if (policies.length > MAX_POLICIES) throw wrong(file, `has more than ${MAX_POLICIES} policies`);
  const names = policies.map(({ name }) => name.toLowerCase());
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined) throw wrong(file, `has two policies named "${twice}"`);
  return policies;
}

function policyOf(file: string, value: unknown, place: string): CreatePolicyRequest {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong(file, `is invalid: ${place} is not a map of keys to values`);
  }
  const policy = value as Record<string, unknown>;
  const name = typeof policy.name === "string" ? `policy "${policy.name}"` : place;
  const unknown = Object.keys(policy).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) {
    throw wrong(file, `is invalid: ${name} has an unknown key "${unknown}". Valid keys: ${KEYS.join(", ")}`);
  }
  const missing = REQUIRED.find((key) => typeof policy[key] !== "string");
  if (missing) throw wrong(file, `is invalid: ${name} needs "${missing}", a text`);
  return policy as CreatePolicyRequest;
}

function wrong(file: string, what: string): FleetError {
  return new FleetError("invalid_argument", `${file === "-" ? "Standard input" : file} ${what}.`);
}

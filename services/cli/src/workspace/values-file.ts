import { readFile } from "node:fs/promises";
import { FleetError } from "@fleet/base";

/**
 * Reads a YAML map of names to texts, numbers, booleans, or lists (a `list(string)`, which goes as JSON). Throws
 * `invalid_argument`; `what` is what the file is to the person who named it: "parameter file".
 */
export async function readValuesFile(path: string, what: string): Promise<Map<string, string>> {
  const wrong = (why: string, cause?: unknown) =>
    new FleetError("invalid_argument", `The ${what} ${path} ${why}.`, { cause });
  const text = await readFile(path, "utf8").catch((cause) => {
    throw wrong("cannot be read", cause);
  });
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) throw wrong(`is not YAML: ${error.message.split("\n", 1)[0]!.replace(/:$/, "")}`, error);
  const content: unknown = document.toJS();
  if (content === null) return new Map();
  if (typeof content !== "object" || Array.isArray(content))
    throw wrong("is not a YAML map of names to values");
  const asText = (value: unknown) => (typeof value === "object" ? JSON.stringify(value) : String(value));
  return new Map(Object.entries(content as object).map(([name, value]) => [name, asText(value)]));
}

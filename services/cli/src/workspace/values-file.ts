import { readFile } from "node:fs/promises";
import { FleetError } from "@fleet/base";

/** YAML values that can be expressed as JSON. */
type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

/**
 * Reads a YAML map of names to strings, numbers, booleans, or lists (a `list(string)`, sent as JSON). Throws
 * `invalid_argument`; `what` describes the file in errors, for example "parameter file".
 */
export async function readValuesFile(
  path: string,
  what: string,
  asText: (value: Value) => string = (value) => (typeof value === "string" ? value : JSON.stringify(value)),
): Promise<Map<string, string>> {
  const wrong = (why: string, cause?: unknown) =>
    new FleetError("invalid_argument", `The ${what} ${path} ${why}.`, { cause });
  const text = await readFile(path, "utf8").catch((cause) => {
    throw wrong("cannot be read", cause);
  });
  const { isMap, isNode, isScalar, parseDocument } = await import("yaml");
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) throw wrong(`is not YAML: ${error.message.split("\n", 1)[0]!.replace(/:$/, "")}`, error);
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return new Map();
  if (!isMap(contents)) throw wrong("is not a YAML map of names to values");
  return new Map(
    contents.items.map(({ key, value }) => {
      const name = String(isScalar(key) ? key.value : key);
      // Keep numbers as written: 1.10 is not 1.1.
      if (isScalar(value) && typeof value.value === "number")
        return [name, value.source ?? String(value.value)];
      const plain = (isNode(value) ? value.toJS(document) : value) as Value;
      return [name, plain === null ? "" : asText(plain)];
    }),
  );
}

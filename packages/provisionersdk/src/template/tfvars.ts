import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { FleetError } from "@fleet/base";
import { DYNAMIC, type Literal, literalOf } from "../hcl/literal.js";
import { parseHcl } from "../hcl/parse.js";

/** Terraform variable values by name, in the form that TF_VAR_ takes. */
export type VariableValues = Map<string, string>;

/**
 * The values that terraform itself would load from a root module's files, in its order: terraform.tfvars,
 * terraform.tfvars.json, then *.auto.tfvars and *.auto.tfvars.json by name; a later one wins.
 * Throws `invalid_argument` with the file's name for one that cannot be read.
 */
export async function readVariableFiles(folder: string): Promise<VariableValues> {
  const names = await readdir(folder);
  const first = ["terraform.tfvars", "terraform.tfvars.json"].filter((name) => names.includes(name));
  const automatic = names.filter((name) => /\.auto\.tfvars(\.json)?$/.test(name)).sort();
  const values: VariableValues = new Map();
  for (const name of [...first, ...automatic]) {
    for (const [key, value] of parseVariables(await readFile(join(folder, name), "utf8"), name)) {
      values.set(key, value);
    }
  }
  return values;
}

/** The values of a file: HCL attributes, or a JSON object depending on the file's name. Nulls are skipped. */
export function parseVariables(text: string, file: string): VariableValues {
  const literals = file.endsWith(".json") ? jsonLiterals(text, file) : hclLiterals(text, file);
  return new Map(
    literals.flatMap(([name, literal]) => (literal === null ? [] : [[name, variableText(literal)] as const])),
  );
}

/**
 * A value in the form that terraform reads from TF_VAR_: a string as is, anything else as an expression, in which a
 * string must not start an interpolation.
 */
export function variableText(literal: Literal): string {
  if (typeof literal === "string") return literal;
  return JSON.stringify(literal).replace(/([$%])\{/g, "$1$1{");
}

function hclLiterals(text: string, file: string): [string, Literal][] {
  const { attributes, blocks } = parseHcl(text, file);
  if (blocks[0]) throw wrong(file, blocks[0].line, "a variables file can only contain name = value lines.");
  return attributes.map(({ name, tokens, line }) => {
    const literal = literalOf(tokens);
    if (literal === DYNAMIC) throw wrong(file, line, `the value of ${name} is not a literal.`);
    return [name, literal];
  });
}

function jsonLiterals(text: string, file: string): [string, Literal][] {
  try {
    const content: unknown = JSON.parse(text);
    if (typeof content === "object" && content !== null && !Array.isArray(content)) {
      return Object.entries(content as Record<string, Literal>);
    }
  } catch (cause) {
    throw new FleetError("invalid_argument", `${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  throw new FleetError("invalid_argument", `${file} is not a JSON object of variables.`);
}

function wrong(file: string, line: number, detail: string): FleetError {
  return new FleetError("invalid_argument", `${file}:${line}: ${detail}`);
}

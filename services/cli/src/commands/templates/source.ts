import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { FleetError } from "@fleet/base";
import type { Context } from "../../context.js";
import { parsePairs } from "../../ui/list-option.js";
import { readValuesFile } from "../../workspace/values-file.js";
import { readPipedArchive } from "./piped-archive.js";

/** A template's archive, and the variable values in its own files. */
export type Source = {
  archive: Uint8Array<ArrayBuffer>;
  contentType: "application/x-tar" | "application/zip";
  /** Default for the template's name. */
  folder?: string;
  values: ReadonlyMap<string, string>;
};

export type SourceOptions = { directory?: string | undefined; ignoreLockfile?: boolean | undefined };

/** The piped archive if there is one, otherwise the folder's. */
export async function readSource(context: Context, options: SourceOptions): Promise<Source> {
  const piped = await readPipedArchive(context, options.directory);
  if (piped) return { ...piped, values: new Map() };
  const folder = options.directory ?? ".";
  const info = await stat(folder).catch(() => undefined);
  if (!info?.isDirectory()) {
    throw new FleetError(
      "invalid_argument",
      `${folder} is not a directory. Specify the template's directory with --directory.`,
    );
  }
  const { packFolder } = await import("@fleet/provisionersdk/archive");
  const { readVariableFiles } = await import("@fleet/provisionersdk/tfvars");
  const { bytes, hidden } = await packFolder(folder);
  if (hidden.length > 0)
    context.note(context.colors.dim(`Hidden files are not uploaded: ${hidden.join(", ")}`));
  if (
    !options.ignoreLockfile &&
    !(await readFile(join(folder, ".terraform.lock.hcl")).catch(() => undefined))
  ) {
    context.note(
      context.colors.dim(
        'No .terraform.lock.hcl found: each version gets the latest matching providers. Run "terraform init" to pin them, or pass --ignore-lockfile.',
      ),
    );
  }
  return {
    archive: new Uint8Array(bytes),
    contentType: "application/x-tar",
    folder,
    values: await readVariableFiles(folder),
  };
}

export type VariableOptions = { variable?: string[] | undefined; variablesFile?: string | undefined };

/** The variables set on the command line, which win over those of the file. */
export async function givenVariables(options: VariableOptions): Promise<Map<string, string>> {
  const { variableText } = await import("@fleet/provisionersdk/tfvars");
  const values = options.variablesFile
    ? await readValuesFile(options.variablesFile, "variables file", variableText)
    : new Map<string, string>();
  for (const [name, value] of parsePairs(options.variable ?? [], "variable")) values.set(name, value);
  return values;
}

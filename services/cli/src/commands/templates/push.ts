import { readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { FleetError, isFleetError } from "@fleet/base";
import type { NameValue, Organization, Template, TemplateVersion } from "@fleet/sdk";
import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { isPair, listOf, parsePairs } from "../../ui/list-option.js";
import { askConsent, askSecret, askText } from "../../ui/prompt.js";
import { followImport } from "../../workspace/build.js";
import { readValuesFile } from "../../workspace/values-file.js";
import { parseTags } from "../provisioners/tags.js";
import { readPipedArchive } from "./piped-archive.js";

type Options = {
  directory?: string;
  message?: string;
  name?: string;
  activate: boolean;
  variable?: string[];
  variablesFile?: string;
  provisionerTag?: string[];
  alwaysPrompt?: boolean;
  ignoreLockfile?: boolean;
  yes?: boolean;
  org?: string;
  testProvisioner: "terraform" | "echo";
};

/** A template's archive, and the variable values in its own files. */
type Source = {
  archive: Uint8Array<ArrayBuffer>;
  contentType: "application/x-tar" | "application/zip";
  /** Default for the template's name. */
  folder?: string;
  values: ReadonlyMap<string, string>;
};

export function templatePushCommand(context: Context): Command {
  return new Command("push")
    .description("Create a template from a directory, or add a version to it")
    .argument("[template]", "Name of the template (default: the name of the directory)")
    .option(
      "-d, --directory <dir>",
      "Directory of the template, or - to read a tar archive from standard input (default: an archive piped in, else the current directory)",
    )
    .option("-m, --message <text>", "Message that describes the changes")
    .option("--name <name>", "Name of the version (generated if omitted)")
    .option(
      "--activate [bool]",
      "Make the version the active one (default: true)",
      (text: string) => text !== "false",
      true,
    )
    .addOption(
      new Option("--variable <name=value>", "Set a Terraform variable (repeatable)").argParser(
        listOf(isPair),
      ),
    )
    .addOption(new Option("--var <name=value>").argParser(listOf(isPair)).hideHelp())
    .option("--variables-file <file>", "YAML file of Terraform variables")
    .option(
      "--provisioner-tag <key=value>",
      "Tag that the provisioner must have, or - for none (default: those of the active version) (repeatable)",
      listOf(isPair),
    )
    .option("--ignore-lockfile", "Do not warn if there is no .terraform.lock.hcl")
    .option("--always-prompt", "Ask for every variable, even those with a value")
    .addOption(
      new Option("--test.provisioner <name>").choices(["terraform", "echo"]).default("terraform").hideHelp(),
    )
    .option("-O, --org <organization>", "Organization of the template")
    .option("-y, --yes", "Do not ask for confirmation")
    .action((name: string | undefined, options: Options & Record<string, unknown>) =>
      push(context, name, {
        ...options,
        variable: [...(options.variable ?? []), ...((options.var as string[] | undefined) ?? [])],
        testProvisioner: options["test.provisioner"] as Options["testProvisioner"],
      }),
    );
}

async function push(context: Context, given: string | undefined, options: Options): Promise<void> {
  const typed = await givenVariables(options);
  const tags = options.provisionerTag && parseTags(options.provisionerTag.filter((tag) => tag !== "-"));
  if (options.directory === "-" && !given) throw unnamed();
  const { client } = await context.session();
  const organization = await context.organization(options.org);
  const source = await readSource(context, options);
  const name = given ?? (source.folder ? basename(resolve(source.folder)) : undefined);
  if (!name) throw unnamed();
  const template = await existing(context, organization, name);
  await askConsent(
    context,
    template ? `Add a version to template ${name}?` : `Create template ${name}?`,
    options.yes,
  );
  const { hash } = await client.fileUpload({ body: source.archive, contentType: source.contentType });
  const version = await importVersion(context, options, {
    organization,
    template,
    fileId: hash,
    tags: tags ?? (await activeTags(context, template)),
    values: new Map([...source.values, ...typed]),
  });
  if (!template) {
    await client.templateCreate({
      params: { organization: organization.id },
      body: { name, template_version_id: version.id },
    });
    return context.note(
      `Created template ${context.colors.bold(name)}. Create a workspace from it: coder create --template ${name}`,
    );
  }
  if (options.activate) {
    await client.templateVersionPromote({ params: { template: template.id }, body: { id: version.id } });
  }
  context.note(
    options.activate
      ? `Version ${version.name} is now the active version of ${name}.`
      : `Pushed version ${version.name}. Activate it with: coder templates versions promote --template ${name} --template-version ${version.name}`,
  );
}

function unnamed(): FleetError {
  return new FleetError(
    "invalid_argument",
    "A template from standard input needs a name: coder templates push <name> -d -",
  );
}

async function existing(
  context: Context,
  organization: Organization,
  templateName: string,
): Promise<Template | undefined> {
  const { client } = await context.session();
  try {
    return await client.templateGetByName({ params: { organization: organization.id, templateName } });
  } catch (error) {
    if (isFleetError(error, "not_found")) return undefined;
    throw error;
  }
}

/** Tags of the active version's import, which new versions need too. */
async function activeTags(context: Context, template: Template | undefined): Promise<Record<string, string>> {
  if (!template) return {};
  const { client } = await context.session();
  return (await client.templateVersionGet({ params: { version: template.active_version_id } })).job.tags;
}

/** The piped archive if there is one, otherwise the folder's. */
async function readSource(context: Context, options: Options): Promise<Source> {
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

type Import = {
  organization: Organization;
  template: Template | undefined;
  fileId: string;
  tags: Record<string, string>;
  values: ReadonlyMap<string, string>;
};

/** Imports the archive. Prompts for variables without a value, and then imports again. */
async function importVersion(context: Context, options: Options, request: Import): Promise<TemplateVersion> {
  const { client } = await context.session();
  let values = listOfValues(request.values);
  let asksAll = options.alwaysPrompt === true && context.interactive;
  for (;;) {
    const version = await client.templateVersionCreate({
      params: { organization: request.organization.id },
      body: {
        name: options.name,
        message: options.message,
        template_id: request.template?.id,
        storage_method: "file",
        file_id: request.fileId,
        provisioner: options.testProvisioner,
        tags: request.tags,
        user_variable_values: values,
      },
    });
    try {
      await followImport(context, version);
    } catch (error) {
      if (context.signal.aborted) throw error;
      const { job } = await client.templateVersionGet({ params: { version: version.id } });
      if (job.error_code !== "REQUIRED_TEMPLATE_VARIABLES" || !context.interactive) throw error;
      values = await askVariables(context, version.id, values, asksAll);
      asksAll = false;
      continue;
    }
    if (!asksAll) {
      await noteUnknown(context, version.id, values);
      return version;
    }
    values = await askVariables(context, version.id, values, true);
    asksAll = false;
  }
}

/** Warns about values for unknown variables, which are most likely typos. */
async function noteUnknown(context: Context, version: string, values: readonly NameValue[]): Promise<void> {
  if (values.length === 0) return;
  const { client } = await context.session();
  const known = (await client.templateVersionVariables({ params: { version } })).map(({ name }) => name);
  for (const { name } of values) {
    if (known.includes(name)) continue;
    context.note(
      context.colors.yellow(
        `"${name}" is not a variable of the template; its value is ignored. Valid values: ${known.join(", ") || "none"}.`,
      ),
    );
  }
}

async function givenVariables(options: Options): Promise<Map<string, string>> {
  const { variableText } = await import("@fleet/provisionersdk/tfvars");
  const values = options.variablesFile
    ? await readValuesFile(options.variablesFile, "variables file", variableText)
    : new Map<string, string>();
  for (const [name, value] of parsePairs(options.variable ?? [], "variable")) values.set(name, value);
  return values;
}

function listOfValues(values: ReadonlyMap<string, string>): NameValue[] {
  return [...values].map(([name, value]) => ({ name, value }));
}

/** Prompts for variables that need a value, or for all. */
async function askVariables(
  context: Context,
  version: string,
  known: readonly NameValue[],
  all: boolean,
): Promise<NameValue[]> {
  const { client } = await context.session();
  const variables = await client.templateVersionVariables({ params: { version } });
  const values = new Map(known.map(({ name, value }) => [name, value]));
  for (const variable of variables) {
    if (!all && (!variable.required || values.has(variable.name))) continue;
    const flag = `--variable ${variable.name}=<value>`;
    const message = variable.description ? `${variable.name}: ${variable.description}` : variable.name;
    const initial = values.get(variable.name) ?? (variable.value || variable.default_value || undefined);
    const value = variable.sensitive
      ? await askSecret(context, message, flag)
      : await askText(context, { message, flag, initial });
    // Empty input keeps a secret.
    if (!variable.sensitive || value !== "") values.set(variable.name, value);
  }
  return listOfValues(values);
}

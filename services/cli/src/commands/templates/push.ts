import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { FleetError, isFleetError } from "@fleet/base";
import type { NameValue, Organization, Template } from "@fleet/sdk";
import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { askConsent, askSecret, askText } from "../../ui/prompt.js";
import { followImport } from "../../workspace/build.js";
import { readValuesFile } from "../../workspace/values-file.js";
import { parseTags } from "../provisioners/tags.js";

type Options = {
  directory: string;
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

function list(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

export function templatePushCommand(context: Context): Command {
  return new Command("push")
    .description("Upload a template from a folder: create it, or add a version to it")
    .argument("[template]", "its name; the folder's when left out")
    .option("-d, --directory <folder>", "folder of the template, or - for a tar on standard input", ".")
    .option("-m, --message <text>", "what has changed")
    .option("--name <name>", "name of the version; one is made up when left out")
    .option("--activate [bool]", "make it the active version", (text: string) => text !== "false", true)
    .addOption(
      new Option("--variable <name=value>", "value of a Terraform variable; repeatable").argParser(list),
    )
    .addOption(new Option("--var <name=value>").argParser(list).hideHelp())
    .option("--variables-file <file>", "YAML file of Terraform variables")
    .option(
      "--provisioner-tag <key=value>",
      "tag that a provisioner daemon must have; - for none; repeatable",
      list,
    )
    .option("--ignore-lockfile", "go on without .terraform.lock.hcl")
    .option("--always-prompt", "ask for every variable, those with a value included")
    .addOption(
      new Option("--test.provisioner <name>").choices(["terraform", "echo"]).default("terraform").hideHelp(),
    )
    .option("-O, --org <organization>", "organization")
    .option("-y, --yes", "do not ask, and take defaults")
    .action((name: string | undefined, options: Options & Record<string, unknown>) =>
      push(context, name, {
        ...options,
        variable: [...(options.variable ?? []), ...((options.var as string[] | undefined) ?? [])],
        testProvisioner: options["test.provisioner"] as Options["testProvisioner"],
      }),
    );
}

async function push(context: Context, given: string | undefined, options: Options): Promise<void> {
  const { client } = await context.session();
  const organization = await context.organization(options.org);
  const name = given ?? nameOfFolder(options.directory);
  const template = await existing(context, organization, name);
  const archive = await readSource(context, options);
  await askConsent(
    context,
    template ? `Add a version to the template ${name}?` : `Create the template ${name}?`,
    options.yes,
  );
  const { hash } = await client.fileUpload({ body: archive, contentType: "application/x-tar" });
  const version = await importVersion(context, organization, template, hash, options);
  if (!template) {
    await client.templateCreate({
      params: { organization: organization.id },
      body: { name, template_version_id: version.id },
    });
    return context.note(
      `The template ${context.colors.bold(name)} is created. Use it: coder create --template ${name}`,
    );
  }
  if (options.activate) {
    await client.templateVersionPromote({ params: { template: template.id }, body: { id: version.id } });
  }
  context.note(
    options.activate
      ? `The version ${version.name} of ${name} is the active one.`
      : `The version ${version.name} is there. Activate it: coder templates versions promote --template ${name} --template-version ${version.name}`,
  );
}

function nameOfFolder(directory: string): string {
  if (directory !== "-") return basename(resolve(directory));
  throw new FleetError(
    "invalid_argument",
    "A template from standard input has to be named: coder templates push <name> -d -",
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

async function readSource(context: Context, options: Options): Promise<Uint8Array<ArrayBuffer>> {
  if (options.directory === "-") return new Uint8Array(await buffer(context.io.stdin));
  const info = await stat(options.directory).catch(() => undefined);
  if (!info?.isDirectory()) {
    throw new FleetError(
      "invalid_argument",
      `${options.directory} is not a folder. Name the template's with --directory.`,
    );
  }
  const { packFolder } = await import("@fleet/provisionersdk/archive");
  return new Uint8Array(await packFolder(options.directory));
}

/** Imports the archive. A variable that turns out to lack a value is asked for, and the import is run again. */
async function importVersion(
  context: Context,
  organization: Organization,
  template: Template | undefined,
  file_id: string,
  options: Options,
): Promise<{ id: string; name: string }> {
  const { client } = await context.session();
  let values = await givenVariables(options);
  for (;;) {
    const version = await client.templateVersionCreate({
      params: { organization: organization.id },
      body: {
        name: options.name,
        message: options.message,
        template_id: template?.id,
        storage_method: "file",
        file_id,
        provisioner: options.testProvisioner,
        tags: parseTags((options.provisionerTag ?? []).filter((tag) => tag !== "-")),
        user_variable_values: values,
      },
    });
    try {
      await followImport(context, version);
      await noteUnknown(context, version.id, values);
      return version;
    } catch (error) {
      if (context.signal.aborted) throw error;
      const { job } = await client.templateVersionGet({ params: { version: version.id } });
      if (job.error_code !== "REQUIRED_TEMPLATE_VARIABLES" || !context.interactive) throw error;
      values = await askVariables(context, version.id, values);
    }
  }
}

/** A value for a variable that the template does not have is no error, and most likely a slip. */
async function noteUnknown(context: Context, version: string, values: readonly NameValue[]): Promise<void> {
  if (values.length === 0) return;
  const { client } = await context.session();
  const known = (await client.templateVersionVariables({ params: { version } })).map(({ name }) => name);
  for (const { name } of values) {
    if (known.includes(name)) continue;
    context.note(
      context.colors.yellow(
        `The template has no variable "${name}": its value is not used. It has: ${known.join(", ") || "none"}.`,
      ),
    );
  }
}

async function givenVariables(options: Options): Promise<NameValue[]> {
  const values = options.variablesFile
    ? await readValuesFile(options.variablesFile, "variables file")
    : new Map<string, string>();
  for (const [name, value] of Object.entries(parseTags(options.variable ?? []))) values.set(name, value);
  return [...values].map(([name, value]) => ({ name, value }));
}

async function askVariables(
  context: Context,
  version: string,
  known: readonly NameValue[],
): Promise<NameValue[]> {
  const { client } = await context.session();
  const variables = await client.templateVersionVariables({ params: { version } });
  const values = new Map(known.map(({ name, value }) => [name, value]));
  for (const variable of variables) {
    if (!variable.required || values.has(variable.name)) continue;
    const flag = `--variable ${variable.name}=<value>`;
    const message = variable.description ? `${variable.name}: ${variable.description}` : variable.name;
    const value = variable.sensitive
      ? await askSecret(context, message, flag)
      : await askText(context, { message, flag });
    values.set(variable.name, value);
  }
  return [...values].map(([name, value]) => ({ name, value }));
}

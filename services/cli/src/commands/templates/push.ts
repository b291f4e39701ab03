import { basename, resolve } from "node:path";
import { FleetError, isFleetError } from "@fleet/base";
import type { Organization, Template } from "@fleet/sdk";
import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { isPair, listOf } from "../../ui/list-option.js";
import { countOf } from "../../ui/number-option.js";
import { askConsent } from "../../ui/prompt.js";
import { parseTags } from "../provisioners/tags.js";
import { importVersion } from "./import-version.js";
import { planWorkspaces, requireSafe } from "./plan-workspaces.js";
import { givenVariables, readSource } from "./source.js";

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
  planWorkspaces?: number | true;
  yes?: boolean;
  org?: string;
  testProvisioner: "terraform" | "echo";
};

/** Workspaces that `--plan-workspaces` plans without a number. */
const PLANNED_WORKSPACES = 50;

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
    .option("--activate [bool]", "Make the version the active one", (text: string) => text !== "false", true)
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
    .addOption(
      new Option(
        "--plan-workspaces [number]",
        `Before activating the version, plan it for the template's most recently used workspaces (default: ${PLANNED_WORKSPACES}); if any of them would lose data or fail, do not activate it`,
      ).argParser(countOf({ min: 1 })),
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
  if (options.planWorkspaces) {
    const limit = options.planWorkspaces === true ? PLANNED_WORKSPACES : options.planWorkspaces;
    const plans = await planWorkspaces(context, template, version, limit);
    if (options.activate) requireSafe(version, plans);
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

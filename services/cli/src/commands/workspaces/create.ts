import { FleetError, isFleetError, parseDuration } from "@fleet/base";
import type { Client, NameValue, Preset, Template, TemplateVersion, Workspace } from "@fleet/sdk";
import { parseWorkspaceName, versionOfNewWorkspace } from "@fleet/sdk/browser";
import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { askChoice, askConsent, askText } from "../../ui/prompt.js";
import { followBuild } from "../../workspace/build.js";
import { resolveBuildParameters } from "../../workspace/build-parameters.js";
import { requireExternalAuth } from "../../workspace/external-auth.js";
import { findWorkspace } from "../../workspace/find.js";
import {
  acceptsDefaults,
  type ParameterFlags,
  readParameterFlags,
  withParameterFlags,
} from "../../workspace/parameter-flags.js";
import { notePrice } from "../../workspace/price.js";
import { cronOf, parseSchedule } from "../schedule/text.js";
import { findTemplate } from "../templates/find.js";
import { rolloutsOf } from "../templates/rollout.js";

type Options = ParameterFlags & {
  template?: string;
  templateVersion?: string;
  preset?: string;
  startAt?: string;
  stopAfter?: string;
  automaticUpdates: "always" | "never";
  copyParametersFrom?: string;
  wait: boolean;
  yes?: boolean;
  org?: string;
};

/** What creating a special kind of workspace adds. */
export type CreateKind = {
  /** Throws if this kind of workspace cannot be created from the version. */
  requireVersion?(version: TemplateVersion): void;
  /** Called when the first build has succeeded. */
  onCreated?(workspace: Workspace): Promise<void>;
};

export function createCommand(context: Context, kind: CreateKind = {}): Command {
  const command = new Command("create")
    .description("Create a workspace")
    .argument("[name]", "[owner/]name")
    .addOption(
      new Option("-t, --template <name>", "Template to create the workspace from").env("CODER_TEMPLATE_NAME"),
    )
    .addOption(
      new Option("--template-version <name>", "Version of the template (default: the active version)").env(
        "CODER_TEMPLATE_VERSION",
      ),
    )
    .addOption(new Option("--preset <name>", 'Preset of the template, or "none"').env("CODER_PRESET_NAME"))
    .addOption(
      new Option(
        "--start-at <schedule>",
        'Schedule to start the workspace automatically, such as "9:30AM Mon-Fri Europe/Berlin"',
      ).env("CODER_WORKSPACE_START_AT"),
    )
    .addOption(
      new Option("--stop-after <duration>", "How long the workspace runs before it stops automatically").env(
        "CODER_WORKSPACE_STOP_AFTER",
      ),
    )
    .addOption(
      new Option("--automatic-updates <when>", "Whether to update to the active version on start")
        .env("CODER_WORKSPACE_AUTOMATIC_UPDATES")
        .choices(["always", "never"])
        .default("never"),
    )
    .addOption(
      new Option("--copy-parameters-from <workspace>", "Copy parameter values from another workspace").env(
        "CODER_WORKSPACE_COPY_PARAMETERS_FROM",
      ),
    );
  return withParameterFlags(command)
    .option("--no-wait", "Return once the build is queued instead of waiting for it")
    .option("-O, --org <organization>", "Organization of the template")
    .option("-y, --yes", "Do not ask for confirmation; use default values")
    .action((name: string | undefined, options: Options) => create(context, name, options, kind));
}

async function create(
  context: Context,
  given: string | undefined,
  options: Options,
  kind: CreateKind,
): Promise<void> {
  const { client } = await context.session();
  const text = given ?? (await askText(context, { message: "Workspace name", flag: "a name" }));
  const { owner, workspace: name } = parseWorkspaceName(text);
  await requireFree(client, owner, name);

  const copied = options.copyParametersFrom
    ? await findWorkspace(client, options.copyParametersFrom)
    : undefined;
  const template =
    copied && !options.template
      ? await client.templateGet({ params: { template: copied.template_id } })
      : await chooseTemplate(context, options);
  const version = await chooseVersion(client, template, options, copied?.latest_build.template_version_id);
  kind.requireVersion?.(version);
  await requireExternalAuth(context, version.id);
  const preset = await choosePreset(context, version, options);
  const previous: NameValue[] = copied
    ? await client.workspaceBuildParameters({ params: { build: copied.latest_build.id } })
    : [];
  const isClassic = template.use_classic_parameter_flow !== false;
  const values = await resolveBuildParameters(
    context,
    { version: version.id, isClassic, ownerId: isClassic ? owner : await idOf(client, owner) },
    {
      given: await readParameterFlags(options),
      preset,
      previous,
      isUpdate: false,
      useDefaults: acceptsDefaults(options),
    },
  );
  await notePrice(context, {
    versionId: version.id,
    organizationId: template.organization_id,
    ownerId: owner,
    costNow: 0,
  });
  await askConsent(context, `Create ${name} from ${template.name} (${version.name})?`, options.yes);

  const workspace = await client.workspaceCreate({
    params: { user: owner },
    body: {
      name,
      template_version_id: version.id,
      template_version_preset_id: preset?.ID,
      rich_parameter_values: values,
      automatic_updates: options.automaticUpdates,
      autostart_schedule: options.startAt ? autostartOf(options.startAt) : undefined,
      ttl_ms: options.stopAfter ? parseDuration(options.stopAfter) : undefined,
    },
  });
  if (!options.wait) return context.note(`Creating workspace ${name}.`);
  await followBuild(context, workspace.latest_build);
  context.note(`Created workspace ${context.colors.bold(name)}. Connect with: coder ssh ${text}`);
  await kind.onCreated?.(workspace);
}

async function idOf(client: Client, user: string): Promise<string> {
  return (await client.userGet({ params: { user } })).id;
}

async function requireFree(client: Client, user: string, workspaceName: string): Promise<void> {
  try {
    await client.workspaceGetByName({ params: { user, workspaceName } });
  } catch (error) {
    if (isFleetError(error, "not_found")) return;
    throw error;
  }
  throw new FleetError("already_exists", `Workspace "${workspaceName}" already exists. Choose another name.`);
}

async function chooseTemplate(context: Context, options: Options): Promise<Template> {
  const { client } = await context.session();
  if (options.template) return findTemplate(context, options.template, options.org);
  const all = (await client.templateList({ query: {} })).filter((template) => !template.deprecated);
  if (all.length === 0) {
    throw new FleetError("failed_precondition", "No templates found. Create one with: coder templates push");
  }
  const sorted = all.sort((a, b) => b.active_user_count - a.active_user_count);
  const chosen = await askChoice(context, {
    message: "Template",
    flag: "--template",
    choices: sorted.map((template) => ({
      value: template.id,
      name: template.display_name || template.name,
      description: template.description,
    })),
  });
  return sorted.find((template) => template.id === chosen)!;
}

async function chooseVersion(
  client: Client,
  template: Template,
  options: Options,
  copied: string | undefined,
): Promise<TemplateVersion> {
  if (options.templateVersion) {
    const params = { template: template.id, versionName: options.templateVersion };
    return client.templateVersionGetByName({ params }).catch((cause: unknown) => {
      if (!isFleetError(cause, "not_found")) throw cause;
      throw new FleetError(
        "not_found",
        `Template ${template.name} has no version "${params.versionName}". List versions with: coder templates versions list ${template.name}`,
        { cause },
      );
    });
  }
  const version = copied ?? versionOfNewWorkspace(template, await rolloutsOf(client, template));
  return client.templateVersionGet({ params: { version } });
}

async function choosePreset(
  context: Context,
  version: TemplateVersion,
  options: Options,
): Promise<Preset | undefined> {
  if (options.preset === "none") return undefined;
  const { client } = await context.session();
  const presets = await client.templateVersionPresets({ params: { version: version.id } });
  if (options.preset) {
    const named = presets.find((preset) => preset.Name === options.preset);
    if (named) return named;
    const known = presets.map((preset) => preset.Name).join(", ") || "none";
    throw new FleetError("not_found", `"${options.preset}" is not a valid preset. Valid values: ${known}.`);
  }
  const standard = presets.find((preset) => preset.Default);
  if (presets.length === 0 || options.yes || !context.interactive) return standard;
  const chosen = await askChoice(context, {
    message: "Preset",
    flag: "--preset",
    initial: standard?.ID,
    choices: [
      ...presets.map(({ ID, Name, Description }) => ({ value: ID, name: Name, description: Description })),
      { value: "none", name: "None" },
    ],
  });
  return presets.find((preset) => preset.ID === chosen);
}

function autostartOf(text: string): string {
  return cronOf(parseSchedule(text.split(/\s+/), Intl.DateTimeFormat().resolvedOptions().timeZone));
}

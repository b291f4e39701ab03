import { FleetError } from "@fleet/base";
import {
  type Client,
  UpdateGroupSyncRequest,
  UpdateOrganizationSyncRequest,
  UpdateRoleSyncRequest,
  UpdateWorkspaceSharingSettingsRequest,
} from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { printJson } from "../../ui/output.js";
import { readPiped } from "../../ui/piped.js";

/** A kind of settings, which `show` prints as JSON and `set` reads in the same form. */
type Setting = {
  name: string;
  aliases: string[];
  /** What `show` and `set` do with it. */
  subject: string;
  /** Of the whole deployment rather than of one organization. */
  deployment?: true;
  read(client: Client, organization: string): Promise<unknown>;
  write(client: Client, organization: string, json: unknown): Promise<unknown>;
};

type Parser<T> = {
  safeParse(value: unknown): {
    success: boolean;
    data?: T;
    error?: { issues: readonly { path: readonly PropertyKey[]; message: string }[] };
  };
};

const SETTINGS: readonly Setting[] = [
  {
    name: "group-sync",
    aliases: ["groupsync"],
    subject: "which groups members are in, by claims of the identity provider",
    read: (client, organization) => client.groupSyncGet({ params: { organization } }),
    write: (client, organization, json) =>
      client.groupSyncUpdate({ params: { organization }, body: parse(UpdateGroupSyncRequest, json) }),
  },
  {
    name: "role-sync",
    aliases: ["rolesync"],
    subject: "which roles members have, by claims of the identity provider",
    read: (client, organization) => client.roleSyncGet({ params: { organization } }),
    write: (client, organization, json) =>
      client.roleSyncUpdate({ params: { organization }, body: parse(UpdateRoleSyncRequest, json) }),
  },
  {
    name: "organization-sync",
    aliases: ["organizationsync", "org-sync", "orgsync"],
    subject: "which organizations users are in, by claims of the identity provider (deployment-wide)",
    deployment: true,
    read: (client) => client.organizationSyncGet(),
    write: (client, _, json) =>
      client.organizationSyncUpdate({ body: parse(UpdateOrganizationSyncRequest, json) }),
  },
  {
    name: "workspace-sharing",
    aliases: ["workspacesharing"],
    subject: "whether and how members can share workspaces",
    read: (client, organization) => client.workspaceSharingSettings({ params: { organization } }),
    write: (client, organization, json) =>
      client.workspaceSharingSettingsUpdate({
        params: { organization },
        body: parse(UpdateWorkspaceSharingSettingsRequest, json),
      }),
  },
];

export function settingsCommand(context: Context): Command {
  const show = new Command("show").description("Show a setting as JSON");
  const set = new Command("set").description("Replace a setting with JSON on standard input");
  for (const setting of SETTINGS) {
    show.addCommand(
      settingCommand(context, setting, `Show ${setting.subject}`, async (client, organization) =>
        printJson(context, await setting.read(client, organization)),
      ),
    );
    set.addCommand(
      settingCommand(context, setting, `Set ${setting.subject}`, async (client, organization) => {
        const json = parseJson((await readPiped(context)).toString());
        printJson(context, await setting.write(client, organization, json));
      }),
    );
  }
  return new Command("settings")
    .alias("setting")
    .description("Manage the settings of an organization")
    .addCommand(show)
    .addCommand(set);
}

function settingCommand(
  context: Context,
  { name, aliases, deployment }: Setting,
  description: string,
  act: (client: Client, organization: string) => Promise<void>,
): Command {
  return new Command(name)
    .aliases(aliases)
    .description(description)
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (options: { org?: string }) => {
      const { client } = await context.session();
      const organization = deployment ? "" : (await context.organization(options.org)).id;
      await act(client, organization);
    });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FleetError("invalid_argument", "Standard input is not valid JSON.", { cause });
  }
}

function parse<T>(schema: Parser<T>, json: unknown): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data as T;
  const [issue] = parsed.error!.issues;
  throw new FleetError(
    "invalid_argument",
    `The JSON is not valid: ${issue?.path.map(String).join(".") || "settings"}: ${issue?.message}`,
  );
}

import { FleetError, parseBoolean, parseDuration } from "@fleet/base";
import type { UpdateTemplateRequest } from "@fleet/sdk";
import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { askConsent } from "../../ui/prompt.js";
import { findTemplate } from "./find.js";

type Options = {
  name?: string;
  displayName?: string;
  description?: string;
  icon?: string;
  deprecated?: string;
  defaultTtl?: string;
  activityBump?: string;
  autostopRequirementWeekdays?: string[];
  autostopRequirementWeeks?: string;
  autostartRequirementWeekdays?: string[];
  failureTtl?: string;
  dormancyThreshold?: string;
  dormancyAutoDeletion?: string;
  allowUserCancelWorkspaceJobs?: string;
  allowUserAutostart?: string;
  allowUserAutostop?: string;
  requireActiveVersion?: string;
  private?: boolean;
  yes?: boolean;
  org?: string;
};

function days(text: string): string[] {
  return text === "none" ? [] : text.split(",").map((day) => day.trim().toLowerCase());
}

export function templateEditCommand(context: Context): Command {
  return new Command("edit")
    .description("Change a template's name, texts and rules")
    .argument("<template>")
    .option("--name <name>", "name")
    .option("--display-name <name>", "name for people")
    .option("--description <text>", "description")
    .option("--icon <url>", "icon")
    .option(
      "--deprecated <message>",
      "say that it should not be used any more, and why; empty to take that back",
    )
    .option(
      "--default-ttl <duration>",
      "how long workspaces run before they stop by themselves; 0 for no limit",
    )
    .option("--activity-bump <duration>", "by how much use puts the stop off")
    .option(
      "--autostop-requirement-weekdays <days>",
      "days on which every workspace has to stop; none for never",
      days,
    )
    .option("--autostop-requirement-weeks <weeks>", "each how many weeks")
    .option(
      "--autostart-requirement-weekdays <days>",
      "days on which workspaces may start by themselves",
      days,
    )
    .option("--failure-ttl <duration>", "after how long a failed workspace is stopped; 0 for never")
    .option(
      "--dormancy-threshold <duration>",
      "after how long without use a workspace is dormant; 0 for never",
    )
    .option(
      "--dormancy-auto-deletion <duration>",
      "after how long a dormant workspace is deleted; 0 for never",
    )
    .option("--allow-user-cancel-workspace-jobs <bool>", "whether users may call builds off")
    .option("--allow-user-autostart <bool>", "whether users set when their workspaces start")
    .option("--allow-user-autostop <bool>", "whether users set when their workspaces stop")
    .option("--require-active-version <bool>", "whether workspaces have to start on the active version")
    .addOption(new Option("--private", "take away the access that everyone in the organization has"))
    .option("-O, --org <organization>", "organization")
    .option("-y, --yes", "do not ask")
    .action(async (name: string, options: Options) => {
      const { client } = await context.session();
      const template = await findTemplate(context, name, options.org);
      const body = changes(options);
      if (Object.values(body).every((value) => value === undefined)) {
        throw new FleetError("invalid_argument", "Say what to change: see coder templates edit --help");
      }
      await askConsent(context, `Change the template ${name}?`, options.yes);
      await client.templateUpdate({ params: { template: template.id }, body });
      context.note(`The template ${options.name ?? name} is changed.`);
    });
}

function changes(options: Options): UpdateTemplateRequest {
  return {
    name: options.name,
    display_name: options.displayName,
    description: options.description,
    icon: options.icon,
    deprecation_message: options.deprecated,
    default_ttl_ms: milliseconds(options.defaultTtl),
    activity_bump_ms: milliseconds(options.activityBump),
    autostop_requirement: options.autostopRequirementWeekdays && {
      days_of_week: options.autostopRequirementWeekdays,
      weeks: Number(options.autostopRequirementWeeks ?? 1),
    },
    autostart_requirement: options.autostartRequirementWeekdays && {
      days_of_week: options.autostartRequirementWeekdays,
    },
    failure_ttl_ms: milliseconds(options.failureTtl),
    time_til_dormant_ms: milliseconds(options.dormancyThreshold),
    time_til_dormant_autodelete_ms: milliseconds(options.dormancyAutoDeletion),
    allow_user_cancel_workspace_jobs: truth(options.allowUserCancelWorkspaceJobs),
    allow_user_autostart: truth(options.allowUserAutostart),
    allow_user_autostop: truth(options.allowUserAutostop),
    require_active_version: truth(options.requireActiveVersion),
    disable_everyone_group_access: options.private,
  };
}

function milliseconds(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text);
}

function truth(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  const value = parseBoolean(text);
  if (value === undefined) throw new FleetError("invalid_argument", `"${text}" is neither true nor false.`);
  return value;
}

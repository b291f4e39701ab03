import { FleetError, parseBoolean, parseDuration } from "@fleet/base";
import type { ActivityKind, DataLossPolicy, Template, UpdateTemplateRequest, WakeTrigger } from "@fleet/sdk";
import { Command, InvalidArgumentError, Option } from "commander";
import type { Context } from "../../context.js";
import { countOf } from "../../ui/number-option.js";
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
  autostopRequirementWeeks?: number;
  autostartRequirementWeekdays?: string[];
  failureTtl?: string;
  dormancyThreshold?: string;
  dormancyAutoDeletion?: string;
  allowUserCancelWorkspaceJobs?: string;
  allowUserAutostart?: string;
  allowUserAutostop?: string;
  requireActiveVersion?: string;
  dataLossPolicy?: DataLossPolicy;
  activity?: ActivityKind[];
  activityRequiresInput?: string;
  activityCpuPercent?: number;
  activityMaxHold?: string;
  wakeOn?: WakeTrigger[];
  checkUnpushedWork?: string;
  private?: boolean;
  yes?: boolean;
  org?: string;
};

function days(text: string): string[] {
  return text === "none" ? [] : text.split(",").map((day) => day.trim().toLowerCase());
}

const ACTIVITY = ["sessions", "apps", "processes", "holds"] as const satisfies readonly ActivityKind[];
const WAKE_ON = ["ssh", "apps"] as const satisfies readonly WakeTrigger[];

/** Parses a comma-separated list of these; `none` is an empty list. */
function choicesOf<T extends string>(choices: readonly T[]) {
  return (text: string): T[] =>
    days(text).map((word) => {
      const choice = choices.find((one) => one === word);
      if (choice) return choice;
      throw new InvalidArgumentError(`"${word}" is not a valid value. Valid values: ${choices.join(", ")}.`);
    });
}

export function templateEditCommand(context: Context): Command {
  return new Command("edit")
    .description("Edit the metadata and policies of a template")
    .argument("<template>")
    .option("--name <name>", "Name")
    .option("--display-name <name>", "Display name")
    .option("--description <text>", "Description")
    .option("--icon <url>", "Icon URL")
    .option("--deprecated <message>", "Mark the template as deprecated with this message (empty to undo)")
    .option("--default-ttl <duration>", "Default time before workspaces stop automatically; 0 for never")
    .option("--activity-bump <duration>", "How far activity extends the autostop deadline")
    .option(
      "--autostop-requirement-weekdays <days>",
      "Weekdays on which workspaces must stop, comma-separated; none to disable",
      days,
    )
    .option(
      "--autostop-requirement-weeks <weeks>",
      "Number of weeks between required stops",
      countOf({ min: 1 }),
    )
    .option(
      "--autostart-requirement-weekdays <days>",
      "Weekdays on which workspaces may start automatically, comma-separated",
      days,
    )
    .option("--failure-ttl <duration>", "Time before failed workspaces are stopped; 0 for never")
    .option(
      "--dormancy-threshold <duration>",
      "Time without use before workspaces become dormant; 0 for never",
    )
    .option("--dormancy-auto-deletion <duration>", "Time before dormant workspaces are deleted; 0 for never")
    .option("--allow-user-cancel-workspace-jobs <bool>", "Whether users can cancel running builds")
    .option("--allow-user-autostart <bool>", "Whether users can configure automatic start")
    .option("--allow-user-autostop <bool>", "Whether users can configure automatic stop")
    .option("--require-active-version <bool>", "Whether workspaces must start on the active version")
    .addOption(
      new Option(
        "--data-loss-policy <policy>",
        "Builds that would replace or destroy resources that keep data: off runs them, ask only if the user accepts it, deny only if a template administrator does",
      ).choices(["off", "ask", "deny"]),
    )
    .option(
      "--activity <kinds>",
      "What counts as activity, comma-separated: sessions, apps, processes, holds; none for nothing",
      choicesOf(ACTIVITY),
    )
    .option(
      "--activity-requires-input <bool>",
      "Whether sessions and apps count only while their users send something",
    )
    .option(
      "--activity-cpu-percent <percent>",
      "CPU usage from which on processes count, in percent of one core",
      countOf({ min: 1 }),
    )
    .option("--activity-max-hold <duration>", "Longest hold that users may declare")
    .option(
      "--wake-on <connections>",
      "Connections that start a stopped workspace, comma-separated: ssh, apps; none for no connection",
      choicesOf(WAKE_ON),
    )
    .option(
      "--check-unpushed-work <bool>",
      "Whether agents look for uncommitted and unpushed work in git repositories",
    )
    .addOption(new Option("--private", "Remove access for everyone in the organization"))
    .option("-O, --org <organization>", "Organization name or ID")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (name: string, options: Options) => {
      const { client } = await context.session();
      const template = await findTemplate(context, name, options.org);
      const body = changes(options, template);
      if (Object.values(body).every((value) => value === undefined)) {
        throw new FleetError("invalid_argument", "Nothing to change. See: coder templates edit --help");
      }
      await askConsent(context, `Update template ${name}?`, options.yes);
      await client.templateUpdate({ params: { template: template.id }, body });
      context.note(`Updated template ${options.name ?? name}.`);
    });
}

function changes(options: Options, template: Template): UpdateTemplateRequest {
  const { autostopRequirementWeekdays: stopDays, autostopRequirementWeeks: weeks } = options;
  const before = template.autostop_requirement;
  return {
    name: options.name,
    display_name: options.displayName,
    description: options.description,
    icon: options.icon,
    deprecation_message: options.deprecated,
    default_ttl_ms: milliseconds(options.defaultTtl),
    activity_bump_ms: milliseconds(options.activityBump),
    autostop_requirement:
      stopDays || weeks !== undefined
        ? {
            days_of_week: stopDays ?? before.days_of_week,
            weeks: weeks ?? before.weeks,
          }
        : undefined,
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
    data_loss_policy: options.dataLossPolicy,
    activity_kinds: options.activity,
    activity_requires_input: truth(options.activityRequiresInput),
    activity_cpu_percent: options.activityCpuPercent,
    activity_max_hold_ms: milliseconds(options.activityMaxHold),
    wake_on: options.wakeOn,
    check_unpushed_work: truth(options.checkUnpushedWork),
    disable_everyone_group_access: options.private,
  };
}

function milliseconds(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text);
}

function truth(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  const value = parseBoolean(text);
  if (value === undefined)
    throw new FleetError("invalid_argument", `"${text}" is not a valid boolean. Valid values: true, false.`);
  return value;
}

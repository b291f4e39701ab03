import type * as wire from "@fleet/sdk";
import type { TemplateView, UpdateTemplate } from "../templates/service.js";
import type { TemplateSettings } from "../templates/store.js";
import type { Example } from "../templateversions/examples.js";
import type { Version } from "../templateversions/service.js";
import type { ParameterRow, PresetRow, VariableRow } from "../templateversions/store.js";
import { toMatched, toProvisionerJob } from "./jobs.js";

export function toTemplate({ row, activeUsers, buildTimes }: TemplateView): wire.Template {
  const times = (transition: string) => {
    const found = buildTimes.find((time) => time.transition === transition);
    return { P50: found?.p50 ?? null, P95: found?.p95 ?? null };
  };
  return {
    id: row.id,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
    organization_id: row.organizationId,
    organization_name: row.organization.name,
    organization_display_name: row.organization.displayName,
    organization_icon: row.organization.icon,
    name: row.name,
    display_name: row.displayName,
    provisioner: row.provisioner,
    active_version_id: row.activeVersionId,
    active_user_count: activeUsers,
    build_time_stats: { start: times("start"), stop: times("stop"), delete: times("delete") },
    description: row.description,
    deprecated: row.deprecationMessage !== "",
    deprecation_message: row.deprecationMessage,
    icon: row.icon,
    default_ttl_ms: Number(row.defaultTtlMs),
    activity_bump_ms: Number(row.activityBumpMs),
    autostop_requirement: { days_of_week: row.autostopRequirementDays, weeks: row.autostopRequirementWeeks },
    autostart_requirement: { days_of_week: row.autostartRequirementDays },
    created_by_id: row.createdBy,
    created_by_name: row.creator.username,
    allow_user_autostart: row.allowUserAutostart,
    allow_user_autostop: row.allowUserAutostop,
    allow_user_cancel_workspace_jobs: row.allowUserCancelWorkspaceJobs,
    failure_ttl_ms: Number(row.failureTtlMs),
    time_til_dormant_ms: Number(row.timeTilDormantMs),
    time_til_dormant_autodelete_ms: Number(row.timeTilDormantAutodeleteMs),
    require_active_version: row.requireActiveVersion,
    max_port_share_level: row.maxPortShareLevel as wire.ShareLevel,
    use_classic_parameter_flow: row.useClassicParameterFlow,
    cors_behavior: row.corsBehavior === "passthru" ? "passthru" : "simple",
    data_loss_policy: row.dataLossPolicy as wire.DataLossPolicy,
    activity_kinds: row.activityKinds as wire.ActivityKind[],
    activity_requires_input: row.activityRequiresInput,
    activity_cpu_percent: row.activityCpuPercent,
    activity_max_hold_ms: Number(row.activityMaxHoldMs),
    wake_on: row.wakeOn as wire.WakeTrigger[],
    check_unpushed_work: row.checkUnpushedWork,
  };
}

type Policy = Omit<wire.UpdateTemplateRequest, "name"> & { name?: string | null | undefined };

/** The settings in a request; omitted ones stay unchanged. */
export function fromTemplateSettings(body: Policy): TemplateSettings {
  const settings: Record<string, unknown> = {
    name: body.name || undefined,
    displayName: body.display_name,
    description: body.description,
    icon: body.icon,
    defaultTtlMs: body.default_ttl_ms,
    activityBumpMs: body.activity_bump_ms,
    autostopRequirementDays: body.autostop_requirement?.days_of_week,
    autostopRequirementWeeks: body.autostop_requirement?.weeks,
    autostartRequirementDays: body.autostart_requirement?.days_of_week,
    allowUserCancelWorkspaceJobs: body.allow_user_cancel_workspace_jobs,
    allowUserAutostart: body.allow_user_autostart,
    allowUserAutostop: body.allow_user_autostop,
    failureTtlMs: body.failure_ttl_ms,
    timeTilDormantMs: body.time_til_dormant_ms,
    timeTilDormantAutodeleteMs: body.time_til_dormant_autodelete_ms,
    requireActiveVersion: body.require_active_version,
    maxPortShareLevel: body.max_port_share_level,
    useClassicParameterFlow: body.use_classic_parameter_flow,
    corsBehavior: body.cors_behavior,
    dataLossPolicy: body.data_loss_policy,
    activityKinds: body.activity_kinds && [...new Set(body.activity_kinds)],
    activityRequiresInput: body.activity_requires_input,
    activityCpuPercent: body.activity_cpu_percent,
    activityMaxHoldMs: body.activity_max_hold_ms,
    wakeOn: body.wake_on && [...new Set(body.wake_on)],
    checkUnpushedWork: body.check_unpushed_work,
    deprecationMessage: body.deprecation_message,
  };
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined && value !== null),
  );
}

export function fromTemplateUpdate(body: wire.UpdateTemplateRequest): UpdateTemplate {
  return {
    ...fromTemplateSettings(body),
    closedToEveryone: body.disable_everyone_group_access ?? undefined,
    resetLastUsed: body.update_workspace_last_used_at ?? undefined,
    resetDormant: body.update_workspace_dormant_at ?? undefined,
  };
}

export function toExample(example: Example): wire.TemplateExample {
  const { id, name, description, icon, tags, markdown } = example;
  return { id, url: "", name, description, icon, tags, markdown };
}

export function toVersion({ row, job }: Version): wire.TemplateVersion {
  return {
    id: row.id,
    ...(row.templateId ? { template_id: row.templateId } : {}),
    organization_id: row.organizationId,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
    name: row.name,
    message: row.message,
    job: toProvisionerJob(job),
    readme: row.readme,
    created_by: {
      id: row.creator.id,
      username: row.creator.username,
      avatar_url: row.creator.avatarUrl,
    },
    archived: row.archived,
    warnings: [],
    ...(job.matched ? { matched_provisioners: toMatched(job.matched) } : {}),
    has_external_agent: row.hasExternalAgent,
  };
}

export function toParameter(row: ParameterRow): wire.RichParameter {
  return {
    name: row.name,
    display_name: row.displayName,
    description: row.description,
    description_plaintext: plainText(row.description),
    type: row.type as wire.RichParameter["type"],
    form_type: row.formType,
    mutable: row.mutable,
    default_value: row.defaultValue,
    icon: row.icon,
    options: row.options as wire.RichParameterOption[],
    ...(row.validationError ? { validation_error: row.validationError } : {}),
    ...(row.validationRegex ? { validation_regex: row.validationRegex } : {}),
    ...(row.validationMin === null ? {} : { validation_min: row.validationMin }),
    ...(row.validationMax === null ? {} : { validation_max: row.validationMax }),
    ...(row.validationMonotonic
      ? { validation_monotonic: row.validationMonotonic as "increasing" | "decreasing" }
      : {}),
    required: row.required,
    ephemeral: row.ephemeral,
  };
}

/** A parameter's form field with its value, null if there is none; without what is wrong with it. */
export function toFormField(
  row: Omit<ParameterRow, "templateVersionId">,
  value: string | null,
  unknown: readonly string[],
): Omit<wire.DynamicParameter, "diagnostics"> {
  const known = (text: string | null) => ({ value: text ?? "", valid: text !== null });
  const hasDefault = !row.required && !unknown.includes("default");
  const rules = {
    validation_error: row.validationError,
    validation_regex: row.validationRegex || null,
    validation_min: row.validationMin,
    validation_max: row.validationMax,
    validation_monotonic: row.validationMonotonic || null,
  };
  return {
    name: row.name,
    display_name: row.displayName,
    description: row.description,
    type: row.type as wire.DynamicParameter["type"],
    form_type: row.formType || "input",
    styling: stylingOf(row.styling),
    mutable: row.mutable,
    default_value: known(hasDefault ? row.defaultValue : null),
    icon: row.icon,
    options: (row.options as wire.RichParameterOption[]).map((option) => ({
      ...option,
      value: known(option.value),
    })),
    validations: Object.values(rules).some((rule) => rule !== null && rule !== "") ? [rules] : [],
    required: row.required,
    order: row.displayOrder,
    ephemeral: row.ephemeral,
    value: known(value),
  };
}

/** What is understood of a template's JSON. */
function stylingOf(text: string): wire.DynamicParameter["styling"] {
  let given: unknown;
  try {
    given = JSON.parse(text || "{}");
  } catch {
    return {};
  }
  const { placeholder, disabled, label, mask_input } = Object(given) as Record<string, unknown>;
  return {
    ...(typeof placeholder === "string" && { placeholder }),
    ...(typeof disabled === "boolean" && { disabled }),
    ...(typeof label === "string" && { label }),
    ...(typeof mask_input === "boolean" && { mask_input }),
  };
}

/** The value of a sensitive variable is never returned. */
export function toVariable(row: VariableRow): wire.TemplateVersionVariable {
  return {
    name: row.name,
    description: row.description,
    type: row.type,
    value: row.sensitive ? "" : row.value,
    default_value: row.sensitive ? "" : row.defaultValue,
    required: row.required,
    sensitive: row.sensitive,
  };
}

export function toPreset(row: PresetRow): wire.Preset {
  return {
    ID: row.id,
    Name: row.name,
    Parameters: Object.entries(row.parameters as Record<string, string>).map(([Name, Value]) => ({
      Name,
      Value,
    })),
    Default: row.isDefault,
    Description: row.description,
    Icon: row.icon,
    DesiredPrebuildInstances: row.prebuildInstances,
    PrebuildTTLSeconds: Number(row.prebuildTtlSeconds),
    PrebuildStatus: row.prebuildStatus,
    PrebuildScheduling: row.prebuildTimezone
      ? {
          Timezone: row.prebuildTimezone,
          Schedules: (row.prebuildSchedules as { cron: string; instances: number }[]).map(
            ({ cron, instances }) => ({ Cron: cron, Instances: instances }),
          ),
        }
      : null,
  };
}

/** Strips Markdown formatting, well enough for one line in a terminal. */
function plainText(markdown: string): string {
  return markdown
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[*_`~]+/g, "")
    .replace(/^#+\s*/gm, "")
    .trim();
}

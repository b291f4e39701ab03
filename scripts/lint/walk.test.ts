import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  CreateTemplateRequest,
  CreateWorkspaceRequest,
  ExtendRequest,
  UpdateAutomaticUpdatesRequest,
  UpdateAutostartRequest,
  UpdateDormancyRequest,
  UpdateQuietHoursRequest,
  UpdateTemplateRequest,
  UpdateTtlRequest,
  UpdateWorkspaceRequest,
  UsageRequest,
} from "../../packages/sdk/src/index.js";

// The rule: whatever a request may set of a template, workspace or quiet hours is acted on. Each field names the file that
// does, and what the field is called there.

const ROOT = resolve(import.meta.dirname, "../../services/coderd/src");

type Acting = readonly [file: string, name: string];

const RULES = "schedules/rules.ts";
const LIFECYCLE = "workspaces/lifecycle-store.ts";
const ACTIVITY = "workspaces/activity-store.ts";

const template = {
  name: ["templates/store.ts", "findByName"],
  display_name: ["builds/events-store.ts", "t.display_name"],
  description: ["templates/service.ts", "DESCRIPTION_LIMIT"],
  icon: ["workspaces/store.ts", "t.icon"],
  default_ttl_ms: ["schedules/predicates.ts", "t.default_ttl_ms"],
  activity_bump_ms: [ACTIVITY, "t.activity_bump_ms"],
  autostop_requirement: ["builds/schedule-store.ts", "t.autostop_requirement_days"],
  autostart_requirement: [LIFECYCLE, "t.autostart_requirement_days"],
  allow_user_cancel_workspace_jobs: ["builds/service.ts", "allowUserCancelWorkspaceJobs"],
  allow_user_autostart: [LIFECYCLE, "t.allow_user_autostart"],
  allow_user_autostop: ["schedules/predicates.ts", "t.allow_user_autostop"],
  failure_ttl_ms: [LIFECYCLE, "t.failure_ttl_ms"],
  disable_everyone_group_access: ["templates/service.ts", "closedToEveryone"],
  require_active_version: ["builds/plan.ts", "requireActiveVersion"],
  max_port_share_level: ["portshares/store.ts", "maxPortShareLevel"],
  use_classic_parameter_flow: ["builds/store.ts", "t.use_classic_parameter_flow"],
  cors_behavior: ["apps/store.ts", "corsBehavior"],
  data_loss_policy: ["builds/writer.ts", "dataLossPolicy"],
  activity_kinds: [ACTIVITY, "t.activity_kinds"],
  activity_requires_input: [ACTIVITY, "t.activity_requires_input"],
  activity_cpu_percent: [ACTIVITY, "t.activity_cpu_percent"],
  activity_max_hold_ms: ["activity/holds-store.ts", "activity_max_hold_ms"],
  wake_on: ["workspaces/wake.ts", "wakeOn"],
  check_unpushed_work: ["unpushedwork/store.ts", "check_unpushed_work"],
} satisfies Record<string, Acting>;

const FIELDS = {
  CreateTemplateRequest: {
    ...template,
    template_version_id: ["templates/service.ts", "versionId"],
    dormant_ttl_ms: [LIFECYCLE, "t.time_til_dormant_ms"],
    delete_ttl_ms: [LIFECYCLE, "t.time_til_dormant_autodelete_ms"],
  },
  UpdateTemplateRequest: {
    ...template,
    time_til_dormant_ms: [LIFECYCLE, "t.time_til_dormant_ms"],
    time_til_dormant_autodelete_ms: [LIFECYCLE, "t.time_til_dormant_autodelete_ms"],
    update_workspace_last_used_at: ["templates/service.ts", "resetLastUsed"],
    update_workspace_dormant_at: ["templates/service.ts", "resetDormant"],
    deprecation_message: ["workspaces/writer.ts", "deprecationMessage"],
  },
  CreateWorkspaceRequest: {
    template_id: ["workspaces/writer.ts", "templateId"],
    template_version_id: ["workspaces/writer.ts", "versionId"],
    name: ["workspaces/writer.ts", "request.name"],
    autostart_schedule: ["workspaces/writer.ts", "autostartSchedule"],
    ttl_ms: ["schedules/predicates.ts", "w.ttl_ms"],
    rich_parameter_values: ["parameters/parameters.ts", "given"],
    automatic_updates: ["builds/plan.ts", "automaticUpdates"],
    template_version_preset_id: ["builds/plan.ts", "presetId"],
  },
  UpdateWorkspaceRequest: { name: ["workspaces/settings.ts", "rename"] },
  UpdateAutostartRequest: { schedule: [RULES, "autostartSchedule"] },
  UpdateTtlRequest: { ttl_ms: ["schedules/predicates.ts", "w.ttl_ms"] },
  ExtendRequest: { deadline: [RULES, "deadline"] },
  UpdateDormancyRequest: { dormant: [RULES, "dormantAt"] },
  UpdateAutomaticUpdatesRequest: { automatic_updates: ["builds/plan.ts", "automaticUpdates"] },
  UsageRequest: {
    agent_id: ["workspaces/service.ts", "agentId"],
    app_name: [ACTIVITY, "u.kind"],
  },
  UpdateQuietHoursRequest: { schedule: [RULES, "quietHours"] },
} satisfies Record<string, Record<string, Acting>>;

const REQUESTS = {
  CreateTemplateRequest,
  UpdateTemplateRequest,
  CreateWorkspaceRequest,
  UpdateWorkspaceRequest,
  UpdateAutostartRequest,
  UpdateTtlRequest,
  ExtendRequest,
  UpdateDormancyRequest,
  UpdateAutomaticUpdatesRequest,
  UsageRequest,
  UpdateQuietHoursRequest,
};

test.each(Object.entries(FIELDS))("each field of %s names the code that acts on it", (request, fields) => {
  const { shape } = REQUESTS[request as keyof typeof FIELDS];
  expect(Object.keys(fields).sort()).toEqual(Object.keys(shape).sort());
  const missing = Object.entries<Acting>(fields).filter(
    ([, [file, name]]) => !readFileSync(join(ROOT, file), "utf8").includes(name),
  );
  expect(missing).toEqual([]);
});

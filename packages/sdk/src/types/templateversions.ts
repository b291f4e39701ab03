import * as z from "zod";
import { Id, INT4_MAX, int, Label, list, map, maybe, maybeId, Name, Text, Timestamp } from "../wire.js";
import { MatchedProvisioners, ProvisionerJob } from "./provisioners.js";
import { MinimalUser } from "./users.js";

export const TemplateVersion = z.object({
  id: Id,
  template_id: Id.optional(),
  organization_id: Id,
  created_at: Timestamp,
  updated_at: Timestamp,
  name: z.string(),
  message: z.string(),
  job: ProvisionerJob,
  readme: z.string(),
  created_by: MinimalUser,
  archived: z.boolean(),
  /** `UNSUPPORTED_WORKSPACES`. */
  warnings: z.array(z.string()).optional(),
  matched_provisioners: MatchedProvisioners.optional(),
  has_external_agent: z.boolean().optional(),
});
export type TemplateVersion = z.infer<typeof TemplateVersion>;

export const NameValue = z.object({ name: z.string(), value: z.string() });
export type NameValue = z.infer<typeof NameValue>;

/** The same in a request. */
export const NameValueInput = z.object({ name: Label, value: Text });
export type NameValueInput = z.infer<typeof NameValueInput>;

/** Exactly one of `file_id` and `example_id`. */
export const CreateTemplateVersionRequest = z.object({
  name: maybe(Name),
  message: maybe(Text),
  template_id: maybeId,
  storage_method: maybe(z.enum(["file"])),
  file_id: maybeId,
  example_id: maybe(Name),
  provisioner: maybe(z.enum(["terraform", "echo"])),
  tags: maybe(map(Label)),
  user_variable_values: maybe(list(NameValueInput)),
});
export type CreateTemplateVersionRequest = z.input<typeof CreateTemplateVersionRequest>;

export const UpdateTemplateVersionRequest = z.object({
  name: maybe(Name),
  message: maybe(Text),
});
export type UpdateTemplateVersionRequest = z.input<typeof UpdateTemplateVersionRequest>;

export const RichParameterOption = z.object({
  name: z.string(),
  description: z.string(),
  value: z.string(),
  icon: z.string(),
});
export type RichParameterOption = z.infer<typeof RichParameterOption>;

export const RichParameter = z.object({
  name: z.string(),
  display_name: z.string().optional(),
  description: z.string(),
  description_plaintext: z.string(),
  type: z.enum(["string", "number", "bool", "list(string)"]),
  form_type: z.string().optional(),
  mutable: z.boolean(),
  default_value: z.string(),
  icon: z.string(),
  options: z.array(RichParameterOption),
  validation_error: z.string().optional(),
  validation_regex: z.string().optional(),
  validation_min: z.number().optional(),
  validation_max: z.number().optional(),
  validation_monotonic: z.enum(["increasing", "decreasing"]).optional(),
  required: z.boolean(),
  ephemeral: z.boolean(),
});
export type RichParameter = z.infer<typeof RichParameter>;

/** A Terraform variable of the template. Sensitive values are blank. */
export const TemplateVersionVariable = z.object({
  name: z.string(),
  description: z.string(),
  type: z.string(),
  value: z.string(),
  default_value: z.string(),
  required: z.boolean(),
  sensitive: z.boolean(),
});
export type TemplateVersionVariable = z.infer<typeof TemplateVersionVariable>;

/** A provider that the template requires, and whether the caller has signed in to it. */
export const TemplateVersionExternalAuth = z.object({
  id: z.string(),
  type: z.string(),
  display_name: z.string(),
  display_icon: z.string(),
  authenticate_url: z.string(),
  authenticated: z.boolean(),
  optional: z.boolean().optional(),
});
export type TemplateVersionExternalAuth = z.infer<typeof TemplateVersionExternalAuth>;

/** The only type with capitalized keys on the wire. */
export const Preset = z.object({
  ID: Id,
  Name: z.string(),
  Parameters: z.array(z.object({ Name: z.string(), Value: z.string() })),
  Default: z.boolean().optional(),
  Description: z.string().optional(),
  Icon: z.string().optional(),
  DesiredPrebuildInstances: z.number().nullish(),
  /** 0 if prebuilt workspaces do not expire. */
  PrebuildTTLSeconds: z.number().optional(),
  /** How many prebuilt workspaces to keep at which hours, instead of the desired number. */
  PrebuildScheduling: z
    .object({
      Timezone: z.string(),
      Schedules: z.array(z.object({ Cron: z.string(), Instances: z.number() })),
    })
    .nullish(),
  /** `hard_limited` if no more prebuilds are built because too many failed in a row. Not in upstream's API. */
  PrebuildStatus: z.string().optional(),
});
export type Preset = z.infer<typeof Preset>;

export const DryRunRequest = z.object({
  workspace_name: Name,
  rich_parameter_values: maybe(list(NameValueInput)),
  user_variable_values: maybe(list(NameValueInput)),
  /** Plan without calling any provider but coder's, so that no credentials are needed. Not in upstream's API. */
  mock_providers: maybe(z.boolean()),
});
export type DryRunRequest = z.input<typeof DryRunRequest>;

/**
 * A form's values, as sent by the client: `id` is incremented, and the response repeats it. `owner_id` is the workspace's
 * owner; the caller by default.
 */
export const DynamicParametersRequest = z.object({
  id: int(-1, INT4_MAX),
  inputs: map(Text),
  owner_id: maybeId,
});
export type DynamicParametersRequest = z.infer<typeof DynamicParametersRequest>;

/** The owner of the first response, which is sent unasked with `id` -1; the caller by default. */
export const DynamicParametersQuery = z.object({ user_id: maybe(z.union([Id, z.literal("me")])) });
export type DynamicParametersQuery = z.infer<typeof DynamicParametersQuery>;

export const Diagnostic = z.object({
  severity: z.enum(["error", "warning"]),
  summary: z.string(),
  detail: z.string(),
  /** `required`: the parameter has no value. Empty for everything else. */
  extra: z.object({ code: z.string() }),
});
export type Diagnostic = z.infer<typeof Diagnostic>;

/** A known value (`valid`), or a placeholder for an unknown one. */
export const HclString = z.object({ value: z.string(), valid: z.boolean() });
export type HclString = z.infer<typeof HclString>;

export const DynamicParameter = z.object({
  name: z.string(),
  display_name: z.string(),
  description: z.string(),
  type: z.enum(["string", "number", "bool", "list(string)"]),
  form_type: z.string(),
  styling: z.object({
    placeholder: z.string().optional(),
    disabled: z.boolean().optional(),
    label: z.string().optional(),
    mask_input: z.boolean().optional(),
  }),
  mutable: z.boolean(),
  default_value: HclString,
  icon: z.string(),
  options: z.array(
    z.object({ name: z.string(), description: z.string(), value: HclString, icon: z.string() }),
  ),
  validations: z.array(
    z.object({
      validation_error: z.string(),
      validation_regex: z.string().nullish(),
      validation_min: z.number().nullish(),
      validation_max: z.number().nullish(),
      validation_monotonic: z.string().nullish(),
    }),
  ),
  required: z.boolean(),
  order: z.number(),
  ephemeral: z.boolean(),
  value: HclString,
  diagnostics: z.array(Diagnostic),
});
export type DynamicParameter = z.infer<typeof DynamicParameter>;

export const DynamicParametersResponse = z.object({
  id: z.number(),
  diagnostics: z.array(Diagnostic),
  parameters: z.array(DynamicParameter),
});
export type DynamicParametersResponse = z.infer<typeof DynamicParametersResponse>;

import * as z from "zod";
import { Id, Label, list, map, maybe, Name, Search } from "../wire.js";

const Targets = z.record(z.string(), z.array(z.string()));
const Field = Label;

/** Which organizations a user is in: claim value → organization IDs. An empty field turns it off. */
export const OrganizationSyncSettings = z.object({
  field: z.string(),
  mapping: Targets,
  /** Whether every user is in the default organization, whatever its claims. */
  organization_assign_default: z.boolean(),
});
export type OrganizationSyncSettings = z.infer<typeof OrganizationSyncSettings>;

export const UpdateOrganizationSyncRequest = z.object({
  field: maybe(Field),
  mapping: maybe(map(list(Id))),
  organization_assign_default: maybe(z.boolean()),
});
export type UpdateOrganizationSyncRequest = z.input<typeof UpdateOrganizationSyncRequest>;

/** Omitted fields stay unchanged. */
export const UpdateOrganizationSyncConfigRequest = z.object({
  field: maybe(Field),
  assign_default: maybe(z.boolean()),
});

/** Which groups of an organization a member is in: claim value → group IDs. An empty field turns it off. */
export const GroupSyncSettings = z.object({
  field: z.string(),
  mapping: Targets,
  /** Only values that match this RE2 expression count; null for all. */
  regex_filter: z.string().nullable(),
  auto_create_missing_groups: z.boolean(),
  /** Claim value → group name: from CODER_OIDC_GROUP_MAPPING, until settings are stored. */
  legacy_group_name_mapping: z.record(z.string(), z.string()).optional(),
});
export type GroupSyncSettings = z.infer<typeof GroupSyncSettings>;

const groupConfig = {
  field: maybe(Field),
  regex_filter: Search.nullable().optional(),
  auto_create_missing_groups: maybe(z.boolean()),
};

export const UpdateGroupSyncRequest = z.object({
  ...groupConfig,
  mapping: maybe(map(list(Id))),
  legacy_group_name_mapping: maybe(map(Label)),
});
export type UpdateGroupSyncRequest = z.input<typeof UpdateGroupSyncRequest>;

/** Omitted fields stay unchanged; `null` removes the filter. */
export const UpdateGroupSyncConfigRequest = z.object(groupConfig);

/** Which roles a member has in an organization: claim value → role names. An empty field turns it off. */
export const RoleSyncSettings = z.object({ field: z.string(), mapping: Targets });
export type RoleSyncSettings = z.infer<typeof RoleSyncSettings>;

export const UpdateRoleSyncRequest = z.object({ field: maybe(Field), mapping: maybe(map(list(Name))) });
export type UpdateRoleSyncRequest = z.input<typeof UpdateRoleSyncRequest>;

export const UpdateRoleSyncConfigRequest = z.object({ field: maybe(Field) });

const change = <T extends z.ZodType>(gets: T) => {
  const entries = maybe(list(z.object({ given: Label, gets })));
  return z.object({ add: entries, remove: entries });
};

/** Entries to remove from a mapping and then to add: `given` a claim value, the user `gets` the target. */
export const UpdateSyncMappingRequest = change(Id);
export const UpdateRoleSyncMappingRequest = change(Name);

export const SyncClaimFields = z.array(z.string());

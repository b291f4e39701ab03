import type * as wire from "@fleet/sdk";
import type { GroupSync, Mapping, MappingChange, OrganizationSync, RoleSync } from "../idpsync/settings.js";

const toMapping = (mapping: Mapping): Record<string, string[]> =>
  Object.fromEntries(Object.entries(mapping).map(([given, gets]) => [given, [...gets]]));

export function toOrganizationSync(sync: OrganizationSync): wire.OrganizationSyncSettings {
  return {
    field: sync.field,
    mapping: toMapping(sync.mapping),
    organization_assign_default: sync.assignDefault,
  };
}

export function toGroupSync(sync: GroupSync): wire.GroupSyncSettings {
  return {
    field: sync.field,
    mapping: toMapping(sync.mapping),
    regex_filter: sync.regexFilter,
    auto_create_missing_groups: sync.autoCreate,
    ...(Object.keys(sync.nameMapping).length > 0
      ? { legacy_group_name_mapping: { ...sync.nameMapping } }
      : {}),
  };
}

export function toRoleSync(sync: RoleSync): wire.RoleSyncSettings {
  return { field: sync.field, mapping: toMapping(sync.mapping) };
}

/** What a request adds to and removes from a mapping. */
export function fromMappingChange(body: {
  add?: { given: string; gets: string }[] | undefined;
  remove?: { given: string; gets: string }[] | undefined;
}): MappingChange {
  return { add: body.add ?? [], remove: body.remove ?? [] };
}

import { fromMappingChange, toGroupSync, toOrganizationSync, toRoleSync } from "../../convert/idpsync.js";
import type { IdpSync } from "../../idpsync/service.js";
import type { Handlers } from "../handler.js";

export function createIdpSyncHandlers({ idpSync }: { idpSync: IdpSync }) {
  return {
    organizationSyncGet: async ({ actor }) => toOrganizationSync(await idpSync.organizations(actor)),
    organizationSyncUpdate: async ({ actor, body }) =>
      toOrganizationSync(
        await idpSync.setOrganizations(actor, {
          field: body.field ?? "",
          mapping: body.mapping ?? {},
          assignDefault: body.organization_assign_default ?? false,
        }),
      ),
    organizationSyncConfigUpdate: async ({ actor, body }) =>
      toOrganizationSync(
        await idpSync.configureOrganizations(actor, {
          field: body.field,
          assignDefault: body.assign_default,
        }),
      ),
    organizationSyncMappingUpdate: async ({ actor, body }) =>
      toOrganizationSync(await idpSync.mapOrganizations(actor, fromMappingChange(body))),

    groupSyncGet: async ({ actor, params }) => toGroupSync(await idpSync.groups(actor, params.organization)),
    groupSyncUpdate: async ({ actor, params, body }) =>
      toGroupSync(
        await idpSync.setGroups(actor, params.organization, {
          field: body.field ?? "",
          mapping: body.mapping ?? {},
          regexFilter: body.regex_filter ?? null,
          autoCreate: body.auto_create_missing_groups ?? false,
          nameMapping: body.legacy_group_name_mapping ?? {},
        }),
      ),
    groupSyncConfigUpdate: async ({ actor, params, body }) =>
      toGroupSync(
        await idpSync.configureGroups(actor, params.organization, {
          field: body.field,
          regexFilter: body.regex_filter,
          autoCreate: body.auto_create_missing_groups,
        }),
      ),
    groupSyncMappingUpdate: async ({ actor, params, body }) =>
      toGroupSync(await idpSync.mapGroups(actor, params.organization, fromMappingChange(body))),

    roleSyncGet: async ({ actor, params }) => toRoleSync(await idpSync.roles(actor, params.organization)),
    roleSyncUpdate: async ({ actor, params, body }) =>
      toRoleSync(
        await idpSync.setRoles(actor, params.organization, {
          field: body.field ?? "",
          mapping: body.mapping ?? {},
        }),
      ),
    roleSyncConfigUpdate: async ({ actor, params, body }) =>
      toRoleSync(await idpSync.configureRoles(actor, params.organization, body)),
    roleSyncMappingUpdate: async ({ actor, params, body }) =>
      toRoleSync(await idpSync.mapRoles(actor, params.organization, fromMappingChange(body))),

    syncFieldList: ({ actor }) => idpSync.availableFields(actor),
    syncFieldValueList: ({ actor, query }) => idpSync.fieldValues(actor, query.claimField),
    memberSyncFieldList: ({ actor, params }) => idpSync.availableFields(actor, params.organization),
    memberSyncFieldValueList: ({ actor, params, query }) =>
      idpSync.fieldValues(actor, query.claimField, params.organization),
  } satisfies Partial<Handlers>;
}

import type { Config } from "../config.js";
import type { GroupSync, OrganizationSync, RoleSync, SiteRoleSync } from "./settings.js";
import { NO_GROUP_SYNC, NO_ROLE_SYNC } from "./settings.js";
import type { SettingsStore } from "./settings-store.js";

/** Settings of the server's configuration, which apply where none are stored. */
export type ConfiguredSync = {
  organizations: OrganizationSync;
  /** For the default organization. */
  groups: GroupSync;
  siteRoles: SiteRoleSync;
};

/** The settings that apply: the stored ones, or else those of the server's configuration. */
export type EffectiveSettings = {
  readonly siteRoles: SiteRoleSync;
  organizations(): Promise<OrganizationSync>;
  groups(organizationId: string): Promise<GroupSync>;
  roles(organizationId: string): Promise<RoleSync>;
};

export function createEffectiveSettings(store: SettingsStore, configured: ConfiguredSync): EffectiveSettings {
  return {
    siteRoles: configured.siteRoles,
    organizations: async () => (await store.organizations()) ?? configured.organizations,
    async groups(organizationId) {
      const { groups, isDefault } = await store.ofOrganization(organizationId);
      return groups ?? (isDefault ? configured.groups : NO_GROUP_SYNC);
    },
    roles: async (organizationId) => (await store.ofOrganization(organizationId)).roles ?? NO_ROLE_SYNC,
  };
}

export function configuredSync(config: Config): ConfiguredSync {
  return {
    organizations: {
      field: config.CODER_OIDC_ORGANIZATION_FIELD,
      mapping: config.CODER_OIDC_ORGANIZATION_MAPPING,
      assignDefault: config.CODER_OIDC_ORGANIZATION_ASSIGN_DEFAULT,
    },
    groups: {
      field: config.CODER_OIDC_GROUP_FIELD,
      mapping: {},
      nameMapping: config.CODER_OIDC_GROUP_MAPPING,
      regexFilter: config.CODER_OIDC_GROUP_REGEX_FILTER,
      autoCreate: config.CODER_OIDC_GROUP_AUTO_CREATE,
    },
    siteRoles: {
      field: config.CODER_OIDC_USER_ROLE_FIELD,
      mapping: config.CODER_OIDC_USER_ROLE_MAPPING,
      defaults: config.CODER_OIDC_USER_ROLE_DEFAULT,
    },
  };
}

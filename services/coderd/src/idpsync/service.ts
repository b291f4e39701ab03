import { FleetError } from "@fleet/base";
import { type Action, assignableRoles, ORGANIZATION_ROLES } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import type { Organizations } from "../organizations/service.js";
import type { ClaimStore } from "./claims-store.js";
import type { EffectiveSettings } from "./effective.js";
import {
  changeMapping,
  checkFilter,
  checkMapping,
  type GroupSync,
  type MappingChange,
  type OrganizationSync,
  type RoleSync,
} from "./settings.js";
import type { SettingsStore } from "./settings-store.js";

/** The settings by which organizations, groups and roles follow the claims of an identity provider. */
export type IdpSync = {
  organizations(actor: Actor): Promise<OrganizationSync>;
  /** Replaces the settings. @throws invalid_argument for an invalid mapping. */
  setOrganizations(actor: Actor, sync: OrganizationSync): Promise<OrganizationSync>;
  configureOrganizations(
    actor: Actor,
    config: Partial<Omit<OrganizationSync, "mapping">>,
  ): Promise<OrganizationSync>;
  mapOrganizations(actor: Actor, change: MappingChange): Promise<OrganizationSync>;

  groups(actor: Actor, organization: string): Promise<GroupSync>;
  /** Replaces the settings. @throws invalid_argument for an invalid mapping or filter. */
  setGroups(actor: Actor, organization: string, sync: GroupSync): Promise<GroupSync>;
  configureGroups(actor: Actor, organization: string, config: GroupConfig): Promise<GroupSync>;
  mapGroups(actor: Actor, organization: string, change: MappingChange): Promise<GroupSync>;

  roles(actor: Actor, organization: string): Promise<RoleSync>;
  /** Replaces the settings. @throws permission_denied unless the actor may assign every role of the organization. */
  setRoles(actor: Actor, organization: string, sync: RoleSync): Promise<RoleSync>;
  configureRoles(
    actor: Actor,
    organization: string,
    config: { field?: string | undefined },
  ): Promise<RoleSync>;
  mapRoles(actor: Actor, organization: string, change: MappingChange): Promise<RoleSync>;

  /** Names of the claims of all users, or of an organization's members. */
  availableFields(actor: Actor, organization?: string): Promise<string[]>;
  /** Values of a claim of all users, or of an organization's members. */
  fieldValues(actor: Actor, field: string, organization?: string): Promise<string[]>;
};

type GroupConfig = Partial<Pick<GroupSync, "field" | "regexFilter" | "autoCreate">>;

export function createIdpSync(options: {
  store: SettingsStore;
  claimStore: ClaimStore;
  settings: EffectiveSettings;
  organizations: Organizations;
}): IdpSync {
  const { store, claimStore, settings, organizations } = options;

  /** The organization's id if the actor may do this to its settings; undefined for those of the deployment. */
  async function allow(actor: Actor, action: Action, organization?: string): Promise<string | undefined> {
    const id =
      organization === undefined ? undefined : (await organizations.require(actor, "read", organization)).id;
    const missing = new FleetError("not_found", "Settings not found, or you do not have access to them.");
    authorizer.require(actor, action, { type: "idpsync_settings", ...(id ? { orgId: id } : {}) }, missing);
    return id;
  }

  /** Reads, changes and writes while no other change of the same settings can happen. */
  async function change<T>(
    id: string | undefined,
    read: () => Promise<T>,
    write: (sync: T) => Promise<void>,
    changed: (sync: T) => T,
  ): Promise<T> {
    await store.lock(id);
    const sync = changed(await read());
    await write(sync);
    return sync;
  }

  async function changeOrganizations(actor: Actor, changed: (sync: OrganizationSync) => OrganizationSync) {
    await allow(actor, "update");
    return change(undefined, settings.organizations, store.setOrganizations, (before) => {
      const sync = changed(before);
      checkMapping(sync.mapping, "id");
      return sync;
    });
  }

  async function changeGroups(actor: Actor, organization: string, changed: (sync: GroupSync) => GroupSync) {
    const id = (await allow(actor, "update", organization))!;
    return change(
      id,
      () => settings.groups(id),
      (sync) => store.setGroups(id, sync),
      (before) => {
        const sync = changed(before);
        checkMapping(sync.mapping, "id");
        checkFilter(sync.regexFilter);
        return sync;
      },
    );
  }

  async function changeRoles(actor: Actor, organization: string, changed: (sync: RoleSync) => RoleSync) {
    const id = (await allow(actor, "update", organization))!;
    // Whoever decides which claim gives which role can get any role.
    if (assignableRoles(requireUser(actor).subject, id).length < Object.keys(ORGANIZATION_ROLES).length) {
      throw new FleetError(
        "permission_denied",
        "Role sync can give every role of the organization, so only those who may assign all of them can change it: owners and organization administrators.",
      );
    }
    return change(
      id,
      () => settings.roles(id),
      (sync) => store.setRoles(id, sync),
      (before) => {
        const sync = changed(before);
        checkMapping(sync.mapping, "role");
        return sync;
      },
    );
  }

  return {
    async organizations(actor) {
      await allow(actor, "read");
      return settings.organizations();
    },
    setOrganizations: (actor, sync) => changeOrganizations(actor, () => sync),
    configureOrganizations: (actor, config) =>
      changeOrganizations(actor, (sync) => ({ ...sync, ...given(config) })),
    mapOrganizations: (actor, entries) =>
      changeOrganizations(actor, (sync) => ({ ...sync, mapping: changeMapping(sync.mapping, entries) })),

    async groups(actor, organization) {
      return settings.groups((await allow(actor, "read", organization))!);
    },
    setGroups: (actor, organization, sync) => changeGroups(actor, organization, () => sync),
    configureGroups: (actor, organization, config) =>
      changeGroups(actor, organization, (sync) => ({ ...sync, ...given(config) })),
    mapGroups: (actor, organization, entries) =>
      changeGroups(actor, organization, (sync) => ({
        ...sync,
        mapping: changeMapping(sync.mapping, entries),
      })),

    async roles(actor, organization) {
      return settings.roles((await allow(actor, "read", organization))!);
    },
    setRoles: (actor, organization, sync) => changeRoles(actor, organization, () => sync),
    configureRoles: (actor, organization, config) =>
      changeRoles(actor, organization, (sync) => ({ ...sync, ...given(config) })),
    mapRoles: (actor, organization, entries) =>
      changeRoles(actor, organization, (sync) => ({
        ...sync,
        mapping: changeMapping(sync.mapping, entries),
      })),

    availableFields: async (actor, organization) =>
      claimStore.fields(await allow(actor, "read", organization)),
    fieldValues: async (actor, field, organization) =>
      claimStore.values(field, await allow(actor, "read", organization)),
  };
}

/** The fields that were sent. */
function given<T extends object>(config: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)) as never;
}

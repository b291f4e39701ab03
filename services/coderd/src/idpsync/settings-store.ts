import { FleetError } from "@fleet/base";
import type { Database } from "../database/client.js";
import { toJson } from "../database/json.js";
import type { GroupSync, OrganizationSync, RoleSync } from "./settings.js";

/** The row of site_configs with the deployment's settings. */
const ORGANIZATIONS_KEY = "idp_sync_organization";

export type StoredSync = { groups?: GroupSync; roles?: RoleSync; isDefault: boolean };

/** Stores the settings. Undefined where none have been set. */
export type SettingsStore = {
  organizations(): Promise<OrganizationSync | undefined>;
  ofOrganization(organizationId: string): Promise<StoredSync>;
  setOrganizations(sync: OrganizationSync): Promise<void>;
  setGroups(organizationId: string, sync: GroupSync): Promise<void>;
  setRoles(organizationId: string, sync: RoleSync): Promise<void>;
  /** Until the end of the transaction, changes of these settings wait: those of the deployment if none is named. */
  lock(organizationId?: string): Promise<void>;
};

export function createSettingsStore(db: Database): SettingsStore {
  async function set(organizationId: string, data: { groups?: object; roles?: object }): Promise<void> {
    await db.organizationIdpSync.upsert({
      where: { organizationId },
      create: { organizationId, ...data },
      update: data,
    });
  }
  return {
    async organizations() {
      const row = await db.siteConfig.findUnique({ where: { key: ORGANIZATIONS_KEY } });
      return row ? (JSON.parse(row.value) as OrganizationSync) : undefined;
    },
    async ofOrganization(id) {
      const found = await db.organization.findUnique({ where: { id }, include: { idpSync: true } });
      if (!found)
        throw new FleetError("not_found", "Organization not found, or you do not have access to it.");
      const { idpSync, isDefault } = found;
      return {
        isDefault,
        ...(idpSync?.groups ? { groups: idpSync.groups as unknown as GroupSync } : {}),
        ...(idpSync?.roles ? { roles: idpSync.roles as unknown as RoleSync } : {}),
      };
    },
    async setOrganizations(sync) {
      const value = toJson(sync);
      const where = { key: ORGANIZATIONS_KEY };
      await db.siteConfig.upsert({ where, create: { ...where, value }, update: { value } });
    },
    setGroups: (organizationId, groups) => set(organizationId, { groups }),
    setRoles: (organizationId, roles) => set(organizationId, { roles }),
    async lock(organizationId = "deployment") {
      await db.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('idp sync'), hashtext(${organizationId}))`;
    },
  };
}

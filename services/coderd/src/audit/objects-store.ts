import type { Database } from "../database/client.js";
import { createDeploymentLoaders } from "./deployment-objects-store.js";
import { createOAuth2Loaders } from "./oauth2-objects-store.js";
import type { AuditedObject, AuditedType, Loaders, ObjectKey } from "./objects.js";
import { createPeopleLoaders } from "./people-objects-store.js";
import { createWorkspaceLoaders } from "./workspace-objects-store.js";

/** Types that a path may identify by a name, which can change. */
const NAMED: readonly AuditedType[] = ["organization", "user", "workspace_proxy"];

/** Loads objects for the audit log. A malformed id is treated as a missing object. */
export type AuditedObjects = {
  /** The object's current state; undefined if it does not exist. */
  load(type: AuditedType, key: ObjectKey): Promise<AuditedObject | undefined>;
  /** The object's state after the action, even if the action changed the name that `key` used. */
  reload(
    type: AuditedType,
    key: ObjectKey,
    before: AuditedObject | undefined,
  ): Promise<AuditedObject | undefined>;
};

export function createAuditedObjects(db: Database): AuditedObjects {
  const loaders: Loaders = {
    ...createPeopleLoaders(db),
    ...createWorkspaceLoaders(db),
    ...createDeploymentLoaders(db),
    ...createOAuth2Loaders(db),
  };

  return {
    load: (type, key) => loaders[type](key),

    reload: (type, key, before) =>
      loaders[type](before && NAMED.includes(type) ? { ...key, id: before.id } : key),
  };
}

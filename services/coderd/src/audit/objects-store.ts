import type { Database } from "../database/client.js";
import { createDeploymentLoaders } from "./deployment-objects-store.js";
import type { AuditedObject, AuditedType, Loaders, ObjectKey } from "./objects.js";
import { createPeopleLoaders } from "./people-objects-store.js";
import { createWorkspaceLoaders } from "./workspace-objects-store.js";

/** Those that a path may call by a name that can change. */
const NAMED: readonly AuditedType[] = ["organization", "user", "workspace_proxy"];

/** Reads what the log tells of an object. An id that is none reads as an object that is not there. */
export type AuditedObjects = {
  /** The object as it is now; undefined where there is none. */
  load(type: AuditedType, key: ObjectKey): Promise<AuditedObject | undefined>;
  /** The object as it is after what was done to it, which may have changed the name by which the key found it. */
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
  };

  return {
    load: (type, key) => loaders[type](key),

    reload: (type, key, before) =>
      loaders[type](before && NAMED.includes(type) ? { ...key, id: before.id } : key),
  };
}

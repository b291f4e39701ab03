import { randomUUID } from "node:crypto";
import type { DeploymentStore } from "./store.js";

/** Deployment-wide facts stored in Postgres. */
export type Deployment = Pick<DeploymentStore, "get" | "set" | "ping"> & {
  /** The deployment's id, generated once for all replicas. */
  id(): Promise<string>;
};

export function createDeployment({ store }: { store: DeploymentStore }): Deployment {
  let id: Promise<string> | undefined;
  return {
    ...store,
    id() {
      id ??= store.getOrInsert("deployment_id", randomUUID());
      id.catch(() => {
        id = undefined;
      });
      return id;
    },
  };
}

import { randomUUID } from "node:crypto";
import type { DeploymentStore } from "./store.js";

/** Facts of the whole deployment that are kept in Postgres. */
export type Deployment = Pick<DeploymentStore, "get" | "set" | "ping"> & {
  /** The deployment's id, made once for all replicas. */
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

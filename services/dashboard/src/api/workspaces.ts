import type { Workspace, WorkspaceBuild } from "@fleet/sdk";
import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { client } from "./client.js";
import { isFleetError } from "./errors.js";

export const workspacesKey = ["workspaces"];

const BUSY = new Set(["pending", "starting", "stopping", "deleting", "canceling"]);

/** The first workspaces that a search finds. */
export const workspacesQuery = (filter: { q: string; limit: number }) =>
  queryOptions({
    queryKey: [...workspacesKey, "first", filter],
    queryFn: ({ signal }) => client.workspaceList({ query: filter, signal }),
  });

export const workspaceKey = (owner: string, name: string) => ["workspace", owner, name];

/** One workspace, updated by its watch stream instead of polling. */
export const workspaceQuery = (owner: string, name: string) =>
  queryOptions({
    queryKey: workspaceKey(owner, name),
    queryFn: async ({ signal }) => {
      const params = { user: owner, workspaceName: name };
      try {
        return await client.workspaceGetByName({ params, signal });
      } catch (error) {
        if (!isFleetError(error, "not_found")) throw error;
        // Deleted workspaces keep their page, for their builds and logs.
        return client.workspaceGetByName({ params, query: { include_deleted: true }, signal });
      }
    },
  });

/** Stores a workspace from a watch stream or a write in the cache. */
export function putWorkspace(queries: QueryClient, workspace: Workspace): void {
  queries.setQueryData(workspaceKey(workspace.owner_name, workspace.name), workspace);
}

export const buildsQuery = (workspace: string, latest: string) =>
  queryOptions({
    // The key includes the latest build and its status, so that the list is reloaded when they change.
    queryKey: ["builds", workspace, latest],
    queryFn: ({ signal }) =>
      client.workspaceBuildList({ params: { workspace }, query: { limit: 50 }, signal }),
    placeholderData: (previous) => previous,
  });

export const buildQuery = (owner: string, workspaceName: string, buildNumber: string) =>
  queryOptions({
    queryKey: ["build", owner, workspaceName, buildNumber],
    queryFn: ({ signal }) =>
      client.workspaceBuildGetByNumber({ params: { user: owner, workspaceName, buildNumber }, signal }),
    refetchInterval: ({ state }) => (state.data && isActive(state.data) ? 5_000 : false),
  });

export const buildParametersQuery = (build: string) =>
  queryOptions({
    queryKey: ["build-parameters", build],
    queryFn: ({ signal }) => client.workspaceBuildParameters({ params: { build }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const buildTimingsQuery = (build: string) =>
  queryOptions({
    queryKey: ["build-timings", build],
    queryFn: ({ signal }) => client.workspaceBuildTimings({ params: { build }, signal }),
  });

/** How policies judged a build; complete once it has ended. */
export const buildPoliciesQuery = (build: string) =>
  queryOptions({
    queryKey: ["build-policies", build],
    queryFn: ({ signal }) => client.workspaceBuildPolicies({ params: { build }, signal }),
  });

/** True while the build is pending or running. */
export function isActive(build: WorkspaceBuild): boolean {
  return BUSY.has(build.status);
}

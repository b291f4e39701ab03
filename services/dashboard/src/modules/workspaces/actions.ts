import type { CreateBuildRequest, Workspace, WorkspaceBuild } from "@fleet/sdk";
import { useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { client } from "../../api/client.js";
import { workspaceKey, workspacesKey } from "../../api/workspaces.js";

/** Workspace actions. Each throws the server's error, which the caller shows. */
export type WorkspaceActions = {
  build(request: CreateBuildRequest): Promise<WorkspaceBuild>;
  /** Restarts the workspace with these changes in one request, so that it completes even if the page is closed. */
  restart(start?: Omit<CreateBuildRequest, "transition">): Promise<WorkspaceBuild>;
  cancel(): Promise<void>;
  favorite(on: boolean): Promise<void>;
  /** Refetches the workspace and the lists. */
  refresh(): Promise<void>;
};

export function useWorkspaceActions(workspace: Workspace): WorkspaceActions {
  const queries = useQueryClient();
  const { id, owner_name, name, favorite, latest_build } = workspace;
  const buildId = latest_build.id;
  return useMemo(() => {
    const params = { workspace: id };
    async function refresh() {
      await Promise.all([
        queries.invalidateQueries({ queryKey: workspaceKey(owner_name, name) }),
        queries.invalidateQueries({ queryKey: workspacesKey }),
      ]);
    }
    async function build(request: CreateBuildRequest) {
      const created = await client.workspaceBuildCreate({
        params,
        body: { reason: "dashboard", ...request },
      });
      await refresh();
      return created;
    }
    return {
      build,
      restart: (start = {}) => build({ ...start, transition: "start", restart: true }),
      async cancel() {
        await client.workspaceBuildCancel({ params: { build: buildId } });
        await refresh();
      },
      async favorite(on) {
        if (on === favorite) return;
        await (on ? client.workspaceFavorite({ params }) : client.workspaceUnfavorite({ params }));
        await refresh();
      },
      refresh,
    };
  }, [queries, id, owner_name, name, favorite, buildId]);
}

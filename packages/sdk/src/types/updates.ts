import * as z from "zod";
import { Id, list } from "../wire.js";
import { InboxUpdate } from "./notifications.js";
import { Workspace } from "./workspaces.js";

/** Most workspaces that one stream follows. */
export const FOLLOWED_WORKSPACES = 200;

/** Replaces the set of workspaces that the stream follows. */
export const UpdatesRequest = z.object({ workspaces: list(Id, FOLLOWED_WORKSPACES) });
export type UpdatesRequest = z.infer<typeof UpdatesRequest>;

/**
 * `workspace`: one that is followed, as it is now. `gone`: one that was deleted, or that the caller may no longer see.
 * `workspaces`: the caller has another workspace. `notification`: a new one in the inbox. `ping`: the heartbeat.
 */
export const Update = z.object({
  type: z.enum(["workspace", "gone", "workspaces", "notification", "ping"]),
  workspace: Workspace.optional(),
  id: Id.optional(),
  notification: InboxUpdate.optional(),
});
export type Update = z.infer<typeof Update>;

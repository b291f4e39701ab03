import * as z from "zod";
import { route } from "../route.js";
import {
  ActivityHold,
  ActivityHoldRequest,
  ActivityHolds,
  UnpushedWork,
  UnpushedWorkCheck,
} from "../types/index.js";
import { Name } from "../wire.js";

export const activityRoutes = {
  agentSelfHoldList: route({
    method: "GET",
    path: "/api/v2/workspaceagents/me/activity-holds",
    summary: "List the jobs that keep the agent's workspace running.",
    access: "agent",
    response: ActivityHolds,
  }),
  agentSelfHoldSet: route({
    method: "PUT",
    path: "/api/v2/workspaceagents/me/activity-holds",
    summary: "Declare a job that keeps the agent's workspace running until it is released or expires.",
    access: "agent",
    body: ActivityHoldRequest,
    response: ActivityHold,
  }),
  agentSelfHoldRelease: route({
    method: "DELETE",
    path: "/api/v2/workspaceagents/me/activity-holds",
    summary: "Release a declared job, or all of them; returns those that were released.",
    access: "agent",
    query: z.object({ name: Name.optional() }),
    response: ActivityHolds,
  }),
  workspaceUnpushedWork: route({
    method: "GET",
    path: "/api/v2/workspaces/:workspace/unpushed-work",
    summary:
      "List git repositories with uncommitted or unpushed work. Connected agents look again first; of a stopped workspace, the last report is kept.",
    access: { resource: "workspace", action: "read" },
    response: UnpushedWork,
  }),
  userUnpushedWorkCheck: route({
    method: "GET",
    path: "/api/v2/users/:user/unpushed-work-check",
    summary: "Get whether the agents of a user's workspaces look for unpushed work.",
    access: { resource: "user", action: "read_personal" },
    response: UnpushedWorkCheck,
  }),
  userUnpushedWorkCheckUpdate: route({
    method: "PUT",
    path: "/api/v2/users/:user/unpushed-work-check",
    summary: "Set whether the agents of a user's workspaces look for unpushed work.",
    access: { resource: "user", action: "update_personal" },
    body: UnpushedWorkCheck,
    response: UnpushedWorkCheck,
  }),
};

import * as z from "zod";
import { route } from "../route.js";
import {
  InvalidatePresetsResponse,
  PrebuildsSettings,
  ReinitializationEvent,
  watchEvent,
} from "../types/index.js";
import { queryBoolean } from "../wire.js";

export const prebuildRoutes = {
  prebuildSettings: route({
    method: "GET",
    path: "/api/v2/prebuilds/settings",
    summary: "Get whether the reconciliation of prebuilt workspaces is paused.",
    access: "session",
    response: PrebuildsSettings,
  }),
  prebuildSettingsUpdate: route({
    method: "PUT",
    path: "/api/v2/prebuilds/settings",
    summary:
      "Pause or resume the reconciliation of prebuilt workspaces; while paused, none are created or deleted.",
    access: { resource: "deployment_config", action: "update" },
    alsoStatus: [304],
    body: PrebuildsSettings,
    response: PrebuildsSettings,
  }),
  prebuildsInvalidate: route({
    method: "POST",
    path: "/api/v2/templates/:template/prebuilds/invalidate",
    summary: "Replace the prebuilt workspaces of the template's active version by new ones.",
    access: { resource: "template", action: "update" },
    response: InvalidatePresetsResponse,
  }),
  agentSelfReinit: route({
    method: "GET",
    path: "/api/v2/workspaceagents/me/reinit",
    summary: "Wait until the agent's workspace, a prebuild, was claimed and the agent has to start again.",
    access: "agent",
    stream: "sse",
    query: z.object({ wait: queryBoolean.optional() }),
    response: watchEvent(ReinitializationEvent),
  }),
};

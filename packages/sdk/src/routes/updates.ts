import { route } from "../route.js";
import { Update, UpdatesRequest } from "../types/index.js";
import { EVENT_HEARTBEAT, heartbeatQuery } from "../wire.js";

export const updateRoutes = {
  updatesWatch: route({
    method: "GET",
    path: "/api/v2/updates",
    summary:
      "Stream the changes that an open page shows: of the workspaces that the client names, of which workspaces the caller has, and of the caller's inbox.",
    access: "session",
    stream: "exchange",
    query: heartbeatQuery,
    heartbeat: EVENT_HEARTBEAT,
    message: UpdatesRequest,
    response: Update,
  }),
};

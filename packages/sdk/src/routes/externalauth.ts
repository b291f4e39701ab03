import { route } from "../route.js";
import { ExternalAuthList } from "../types/index.js";

export const externalAuthRoutes = {
  externalAuthList: route({
    method: "GET",
    path: "/api/v2/external-auth",
    summary: "List the external auth providers and the caller's links to them.",
    access: "session",
    response: ExternalAuthList,
  }),
};

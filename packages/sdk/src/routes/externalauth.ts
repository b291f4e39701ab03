import { route } from "../route.js";
import { ExternalAuthList } from "../types/index.js";

export const externalAuthRoutes = {
  externalAuthList: route({
    method: "GET",
    path: "/api/v2/external-auth",
    summary: "List the providers, and those that the caller has signed in to.",
    access: "session",
    response: ExternalAuthList,
  }),
};

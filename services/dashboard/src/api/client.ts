import { createClient } from "@fleet/sdk";

/** The API of the deployment that served this page; the browser sends its session cookie. */
export const client = createClient({ baseUrl: "" });

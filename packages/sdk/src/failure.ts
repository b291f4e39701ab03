import type { RouteSpec } from "./route.js";
import { ApiMessage, OAuth2Error } from "./types/index.js";

/**
 * Whether this is the body of an error in the route's format. Errors from before the route was matched, such as those of
 * an unsupported method, have the API's own.
 */
export function isFailureOf({ failure }: RouteSpec, contentType: string, text: string): boolean {
  if (contentType.startsWith("text/html")) return failure === "page";
  if (!contentType.startsWith("application/json")) return false;
  try {
    const body: unknown = JSON.parse(text);
    if (ApiMessage.safeParse(body).success) return true;
    return failure !== undefined && failure !== "page" && OAuth2Error.safeParse(body).success;
  } catch {
    return false;
  }
}

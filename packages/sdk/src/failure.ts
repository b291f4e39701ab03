import { type RouteSpec, SCIM_MEDIA_TYPE } from "./route.js";
import { ApiMessage, OAuth2Error, ScimError } from "./types/index.js";

/**
 * Whether this is the body of an error in the route's format. Errors from before the route was matched, such as those of
 * an unsupported method, have the API's own.
 */
export function isFailureOf({ failure }: RouteSpec, contentType: string, text: string): boolean {
  if (contentType.startsWith("text/html")) return failure === "page";
  const isScim = contentType.startsWith(SCIM_MEDIA_TYPE);
  if (isScim !== (failure === "scim") || !(isScim || contentType.startsWith("application/json")))
    return false;
  try {
    const body: unknown = JSON.parse(text);
    if (isScim) return ScimError.safeParse(body).success;
    if (ApiMessage.safeParse(body).success) return true;
    return failure !== undefined && failure !== "page" && OAuth2Error.safeParse(body).success;
  } catch {
    return false;
  }
}

import type { IncomingMessage } from "node:http";
import { PATH_APP_COOKIE, readCookie, SIGNED_APP_COOKIE, SUBDOMAIN_APP_COOKIE } from "@fleet/app-url";
import { SESSION_COOKIE, SESSION_HEADER } from "@fleet/base";
import { headerText } from "../http/headers.js";
import type { RequestedApp } from "./address.js";
import type { Credentials } from "./gatekeeper.js";

/**
 * The credentials of a request to an app. The header takes precedence over cookies, because browsers never send it by
 * themselves. Without `ambient`, cookies are ignored.
 */
export function appCredentials(
  request: IncomingMessage,
  app: RequestedApp,
  { ambient }: { ambient: boolean },
): Credentials {
  const { cookie } = request.headers;
  const names =
    app.method === "path" ? [SESSION_COOKIE, PATH_APP_COOKIE] : [SUBDOMAIN_APP_COOKIE, SESSION_COOKIE];
  let sessionToken = headerText(request, SESSION_HEADER);
  if (!ambient) return { sessionToken, signedToken: "" };
  for (const name of names) sessionToken ||= readCookie(cookie, name) ?? "";
  return { sessionToken, signedToken: readCookie(cookie, SIGNED_APP_COOKIE) ?? "" };
}

import type { IncomingMessage } from "node:http";
import {
  PATH_APP_COOKIE,
  readCookie,
  readSessionCookie,
  SIGNED_APP_COOKIE,
  SUBDOMAIN_APP_COOKIE,
} from "@fleet/app-url";
import { SESSION_HEADER } from "@fleet/base";
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
  const ofUser = () => readSessionCookie(cookie);
  const ofApp = (name: string) => () => readCookie(cookie, name);
  const sources =
    app.method === "path" ? [ofUser, ofApp(PATH_APP_COOKIE)] : [ofApp(SUBDOMAIN_APP_COOKIE), ofUser];
  let sessionToken = headerText(request, SESSION_HEADER);
  if (!ambient) return { sessionToken, signedToken: "" };
  for (const source of sources) sessionToken ||= source() ?? "";
  return { sessionToken, signedToken: readCookie(cookie, SIGNED_APP_COOKIE) ?? "" };
}

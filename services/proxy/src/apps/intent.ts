import type { IncomingMessage } from "node:http";
import { wantsPage } from "../http/pages.js";

/**
 * Whether a person asks for this, as opposed to a page that is merely open: pages poll, load and reload by themselves. A
 * browser tells by Sec-Fetch-User whether its user has started a navigation, and it is sent for HTTPS and localhost only;
 * elsewhere, a request for a page counts. Clients without pages (curl, editors) do what they are told.
 */
export function isDeliberate(request: IncomingMessage): boolean {
  const { headers } = request;
  if (/prefetch|prerender/.test(`${headers["sec-purpose"]} ${headers.purpose}`)) return false;
  if (headers["sec-fetch-mode"] !== undefined)
    return headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-user"] === "?1";
  if (wantsPage(request)) return true;
  return !isOfPage(request);
}

/** Whether the request is input to an app: whoever changes something has done something. */
export function isInput(request: IncomingMessage): boolean {
  const reads = ["GET", "HEAD", "OPTIONS"].includes(request.method ?? "");
  return isDeliberate(request) || (!reads && isOfPage(request));
}

/** Sent by a page in a browser. */
function isOfPage({ headers }: IncomingMessage): boolean {
  return (headers["sec-fetch-mode"] ?? headers.origin ?? headers.referer) !== undefined;
}

/*
 * Redirect URIs (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1). Checked when they are registered, and compared as
 * text: a URI that browsers and servers may read differently is never stored.
 */

const MAX_LENGTH = 2_048;
/** The characters of a URI (RFC 3986). A backslash, which browsers read as a slash, is not one. */
const URI_CHARACTERS = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/;
/** Schemes that run code, read local data, or do not return to an app. */
const BLOCKED_SCHEMES: ReadonlySet<string> = new Set([
  "about:",
  "blob:",
  "chrome:",
  "data:",
  "file:",
  "filesystem:",
  "ftp:",
  "intent:",
  "javascript:",
  "mailto:",
  "sms:",
  "tel:",
  "urn:",
  "vbscript:",
  "view-source:",
  "ws:",
  "wss:",
]);
const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(["127.0.0.1", "[::1]", "localhost"]);
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?=$|[/?])/i;
/** A loopback URI: its host, and what follows its port. */
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?((?:[/?].*)?)$/;

/** What is wrong with the URI of an app, as a sentence; undefined if it may be registered. */
export function redirectUriProblem(uri: string): string | undefined {
  if (uri.length > MAX_LENGTH) return `A redirect URI must be at most ${MAX_LENGTH} characters long.`;
  if (!URI_CHARACTERS.test(uri) || /%(?![0-9A-Fa-f]{2})/.test(uri))
    return "A redirect URI must only contain characters that are allowed in URIs (RFC 3986).";
  const url = URL.parse(uri);
  if (!url) return "A redirect URI must be an absolute URI, for example https://app.example.com/callback.";
  if (BLOCKED_SCHEMES.has(url.protocol)) return `Redirect URIs must not use the scheme ${url.protocol}`;
  if (uri.includes("#")) return "A redirect URI must not have a fragment.";
  const authority = /^[^:]+:\/\/([^/?]*)/.exec(uri)?.[1] ?? "";
  if (authority.includes("@")) return "A redirect URI must not contain a username or password.";
  if (DOT_SEGMENT.test(url.protocol === "http:" || url.protocol === "https:" ? pathOf(uri) : uri))
    return "The path of a redirect URI must not contain the segments . or ..";
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  if (!uri.startsWith(`${url.protocol}//`) || authority === "")
    return "A redirect URI must be an absolute URI, for example https://app.example.com/callback.";
  if (authority.includes("*")) return "A redirect URI must name one host, without wildcards.";
  if (url.protocol === "http:" && !isLoopback(url.hostname))
    return "A redirect URI may only use http:// with localhost, 127.0.0.1 or [::1]. Use https:// for any other host.";
  return undefined;
}

/**
 * Whether the app registered this URI: character by character, except that the port of a loopback address is chosen
 * when the app starts (RFC 8252 §7.3).
 */
export function isRegistered(registered: readonly string[], uri: string): boolean {
  if (registered.includes(uri)) return true;
  const [, host, rest] = LOOPBACK.exec(uri) ?? [];
  if (host === undefined || !URL.canParse(uri)) return false;
  return registered.some((one) => {
    const [, ofHost, ofRest] = LOOPBACK.exec(one) ?? [];
    return ofHost === host && ofRest === rest;
  });
}

/** The URI with these parameters added to its query (RFC 6749 §4.1.2); undefined values are left out. */
export function withParameters(uri: string, parameters: Record<string, string | undefined>): string {
  const added = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) added.set(name, value);
  return `${uri}${uri.includes("?") ? "&" : "?"}${added}`;
}

function pathOf(uri: string): string {
  return /^[^:]+:\/\/[^/?]*([^?]*)/.exec(uri)?.[1] ?? "";
}

function isLoopback(hostname: string): boolean {
  return LOOPBACK_HOSTS.has(hostname) || hostname.endsWith(".localhost");
}

import { readCookie } from "@fleet/app-url";
import { FleetError, SESSION_COOKIE } from "@fleet/base";

/** How the cookies of browsers' sessions and sign-ins are set. */
export type CookieSettings = {
  /** Only sent over https. */
  secure: boolean;
  sameSite: "lax" | "none";
  /** Prefix session cookies with `__Host-`: browsers accept such a cookie only from the host itself, over https. */
  hostPrefix: boolean;
};

const HOST_PREFIX = "__Host-";
/** Begins the name of the cookie of a sign-in under way; the rest names the sign-in. */
const FLOW_COOKIE = "oauth_state_";
/** Where the provider sends the browser back to. */
const FLOW_PATH = "/api/v2/users";
/** How many sign-ins one browser may have under way: more are forgotten, or the request's headers would grow too large. */
const MAX_FLOWS = 5;

export type SessionCookies = {
  /** Sets the session for as long as it lives. */
  session(token: string, maxAgeSeconds: number): string;
  /** Removes the session. */
  ended(): string;
  /** Remembers a sign-in under way; too many others are removed. */
  flow(state: string, sealed: string, maxAgeSeconds: number, header: string | undefined): string[];
  /** The sign-in under way in this browser. */
  readFlow(state: string | undefined, header: string | undefined): string | undefined;
  /** Removes it. */
  flowEnded(state: string): string;
};

/** The name of the session's cookie. */
export function sessionCookieName(hostPrefix: boolean): string {
  return hostPrefix ? `${HOST_PREFIX}${SESSION_COOKIE}` : SESSION_COOKIE;
}

/** @throws invalid_argument for settings that browsers would reject. */
export function createSessionCookies({ secure, sameSite, hostPrefix }: CookieSettings): SessionCookies {
  if (!secure && sameSite === "none") throw requiresSecure("CODER_SAMESITE_AUTH_COOKIE");
  if (!secure && hostPrefix) throw requiresSecure("CODER_HOST_PREFIX_COOKIE");
  const name = sessionCookieName(hostPrefix);
  const attributes = `HttpOnly; SameSite=${sameSite === "none" ? "None" : "Lax"}${secure ? "; Secure" : ""}`;
  const set = (cookie: string, value: string, path: string, maxAgeSeconds: number) =>
    `${cookie}=${value}; Path=${path}; Max-Age=${maxAgeSeconds}; ${attributes}`;
  const flowName = (state: string) => `${FLOW_COOKIE}${state.replace(/\W/g, "").slice(0, 10)}`;

  return {
    session: (token, maxAgeSeconds) => set(name, token, "/", maxAgeSeconds),
    ended: () => set(name, "", "/", 0),
    flow(state, sealed, maxAgeSeconds, header = "") {
      const others = header
        .split(";")
        .map((pair) => pair.split("=", 1)[0]!.trim())
        .filter((cookie) => /^oauth_state_\w{1,10}$/.test(cookie));
      const dropped = others.length >= MAX_FLOWS ? others.map((cookie) => set(cookie, "", FLOW_PATH, 0)) : [];
      return [...dropped, set(flowName(state), sealed, FLOW_PATH, maxAgeSeconds)];
    },
    readFlow: (state, header) => (state ? readCookie(header, flowName(state)) : undefined),
    flowEnded: (state) => set(flowName(state), "", FLOW_PATH, 0),
  };
}

function requiresSecure(setting: string): FleetError {
  return new FleetError(
    "invalid_argument",
    `${setting}: requires an https access URL, or CODER_SECURE_AUTH_COOKIE.`,
  );
}

import type { Check } from "../schema/block.js";
import { formatPath } from "../schema/diagnostic.js";

/** The parts of a URL that the provider's rules use; empty if absent. */
export type UrlParts = {
  /** In lower case. */
  readonly scheme: string;
  /** With the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: string;
  /** Everything after host and port. */
  readonly rest: string;
};

/**
 * Parses a URL as leniently as Go's net/url, which templates rely on: icons and URLs may be relative, contain
 * spaces in the path, or lack a host. Undefined for what Go rejects.
 */
export function parseUrl(text: string): UrlParts | undefined {
  const [, scheme = "", afterScheme = ""] = /^(?:([a-z][a-z0-9+.-]*):)?([\s\S]*)$/i.exec(text) ?? [];
  if (scheme === "" && /^[^/?#]*:/.test(afterScheme)) return undefined;
  const authority = /^\/\/([^/?#]*)/.exec(afterScheme);
  const rest = afterScheme.slice(authority?.[0].length ?? 0);
  const parts = /^(?:[^@]*@)?(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(authority?.[1] ?? "");
  if (!parts) return undefined;
  const [, host = "", port = ""] = parts;
  if (/[\s\p{Cc}]/u.test(host) || hasBrokenEscape(host) || /\p{Cc}/u.test(text)) return undefined;
  if (hasBrokenEscape(rest.replace(/\?[^#]*/, ""))) return undefined;
  return { scheme: scheme.toLowerCase(), host, port, rest };
}

function hasBrokenEscape(text: string): boolean {
  return /%(?![0-9a-f]{2})/i.test(text);
}

/** For icons: anything that works as a link. */
export const url: Check = (value, path) =>
  parseUrl(String(value))
    ? undefined
    : `"${formatPath(path)}" is not a valid URL: "${value}". Encode a percent sign as "%25".`;

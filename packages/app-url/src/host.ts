import { FleetError } from "@fleet/base";
import { type AppAddress, formatLabel, MAX_LABEL, parseLabel } from "./address.js";

/** The hosts of subdomain apps: `*.apps.example.com` or `*--suffix.example.com`, with a port if not the default one. */
export type HostPattern = {
  /** What follows the app's label within the first label: `--suffix`, or nothing. */
  readonly suffix: string;
  /** The rest of the host, starting with its dot: `.apps.example.com`. */
  readonly domain: string;
  /** `:3000`, or nothing. */
  readonly port: string;
};

/** Parses CODER_WILDCARD_ACCESS_URL. Throws `invalid_argument` if it is not a pattern. */
export function parseHostPattern(text: string): HostPattern {
  const match =
    /^(?:https?:\/\/)?\*((?:-[a-z0-9-]*[a-z0-9])?)((?:\.[a-z0-9]+(?:-+[a-z0-9]+)*)+)((?::\d+)?)\/?$/i.exec(
      text,
    );
  const [, suffix = "", domain = "", port = ""] = match ?? [];
  if (!match || suffix.length >= MAX_LABEL) {
    throw new FleetError(
      "invalid_argument",
      `"${text}" is not a wildcard host. Write it like *.apps.example.com or *--apps.example.com.`,
    );
  }
  return { suffix: suffix.toLowerCase(), domain: domain.toLowerCase(), port };
}

/**
 * The domain of a cookie shared by all apps' hosts and by no other host; undefined if there is none: apps next to
 * other hosts of a domain, and `*.localhost`, which browsers treat as a public suffix, with each host its own site.
 */
export function sharedCookieDomain({ suffix, domain }: HostPattern): string | undefined {
  const name = domain.slice(1);
  return suffix === "" && name.includes(".") ? name : undefined;
}

/** The pattern as it is written, `*.apps.example.com`. */
export function formatHostPattern({ suffix, domain, port }: HostPattern): string {
  return `*${suffix}${domain}${port}`;
}

/**
 * The label before the pattern's suffix in a `Host` header, ignoring its port; undefined for a host that is not
 * under the pattern. Even a label that is not an app's address (`parseLabel`) is never served by the platform itself.
 */
export function labelOf(host: string, pattern: HostPattern): string | undefined {
  const name = host.replace(/:\d+$/, "").replace(/\.$/, "").toLowerCase();
  const end = `${pattern.suffix}${pattern.domain}`;
  if (!name.endsWith(end)) return undefined;
  const label = name.slice(0, -end.length);
  const isLabel = label !== "" && !label.includes(".") && label.length + pattern.suffix.length <= MAX_LABEL;
  return isLabel ? label : undefined;
}

/** The app that a `Host` header names; undefined if it names none. Names are returned in lower case. */
export function parseHost(host: string, pattern: HostPattern): AppAddress | undefined {
  const label = labelOf(host, pattern);
  return label === undefined ? undefined : parseLabel(label);
}

/** The host of an app, with the pattern's port. Throws `invalid_argument` as `formatLabel` does. */
export function formatHost(address: AppAddress, pattern: HostPattern): string {
  return `${formatLabel(address, pattern.suffix)}${pattern.suffix}${pattern.domain}${pattern.port}`;
}

import { FleetError } from "@fleet/base";
import { type AppAddress, formatLabel, MAX_LABEL, parseLabel } from "./address.js";

/** Where subdomain apps live: `*.apps.example.com` or `*--suffix.example.com`, and a port where it is not the usual one. */
export type HostPattern = {
  /** What follows the app's label within the first label: `--suffix`, or nothing. */
  readonly suffix: string;
  /** The rest of the host, from its dot on: `.apps.example.com`. */
  readonly domain: string;
  /** `:3000`, or nothing. */
  readonly port: string;
};

/** Reads CODER_WILDCARD_ACCESS_URL. Throws `invalid_argument` for what is no pattern. */
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
 * The domain of a cookie that all apps' hosts share and no other host gets; undefined where there is none: apps beside
 * other hosts of a domain, and `*.localhost`, which browsers take for a public suffix, each of its hosts a site of its own.
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
 * The label before the pattern's suffix in a `Host` header, whose port does not matter; undefined for a host that is not
 * under the pattern. A label that is no app's address (`parseLabel`) is still one that the platform never answers itself.
 */
export function labelOf(host: string, pattern: HostPattern): string | undefined {
  const name = host.replace(/:\d+$/, "").replace(/\.$/, "").toLowerCase();
  const end = `${pattern.suffix}${pattern.domain}`;
  if (!name.endsWith(end)) return undefined;
  const label = name.slice(0, -end.length);
  const isLabel = label !== "" && !label.includes(".") && label.length + pattern.suffix.length <= MAX_LABEL;
  return isLabel ? label : undefined;
}

/** The app that a `Host` header names; undefined where it names none. Names come out in lower case. */
export function parseHost(host: string, pattern: HostPattern): AppAddress | undefined {
  const label = labelOf(host, pattern);
  return label === undefined ? undefined : parseLabel(label);
}

/** The host of an app, with the pattern's port. Throws `invalid_argument` as `formatLabel` does. */
export function formatHost(address: AppAddress, pattern: HostPattern): string {
  return `${formatLabel(address, pattern.suffix)}${pattern.suffix}${pattern.domain}${pattern.port}`;
}

import { FleetError } from "./errors.js";

export type Address = { host: string; port: number };

/**
 * Splits `host:port`; an IPv6 host is in brackets, and no host means all interfaces. Port 0 picks a free one.
 * Throws `invalid_argument` for anything else.
 */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw new FleetError(
      "invalid_argument",
      `"${text}" is not a valid address. Use host:port, for example 127.0.0.1:3000 or [::1]:3000.`,
    );
  }
  return { host: match[1] ?? (match[2] || "0.0.0.0"), port };
}

/** The inverse of `parseAddress`. */
export function formatAddress({ host, port }: Address): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

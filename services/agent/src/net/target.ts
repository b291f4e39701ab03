import { FleetError } from "@fleet/base";

/** Reserved ports, which are never dialed. */
const FIRST_OPEN_PORT = 9;

export type Target = { path: string } | { host: string; port: number };

/**
 * Parses the target of a `tcp` stream: `localhost:8080`, `127.0.0.1:8080`, `[::1]:8080`, `:8080`, or `unix:/path`.
 * Throws `invalid_argument` for targets on other machines and for ports below 9.
 */
export function parseTarget(text: string): Target {
  if (text.startsWith("unix:/")) return { path: text.slice("unix:".length) };
  const match = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\]|)?:(\d{1,5})$/.exec(text);
  if (!match) {
    throw new FleetError("invalid_argument", `"${text}" is not a local address. Use localhost and a port.`);
  }
  const port = Number(match[2]);
  if (port < FIRST_OPEN_PORT || port > 65_535) {
    throw new FleetError("invalid_argument", `Port ${port} is not allowed. Use a port from 9 to 65535.`);
  }
  return { host: (match[1] || "localhost").replace(/[[\]]/g, ""), port };
}

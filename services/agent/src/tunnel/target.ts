import { FleetError } from "@fleet/base";

/** Ports of the agent itself and reserved ones: never dialled. */
const FIRST_OPEN_PORT = 9;

export type Target = { path: string } | { host: string; port: number };

/**
 * What a `tcp` stream may reach: `localhost:8080`, `127.0.0.1:8080`, `[::1]:8080`, a bare `:8080`, or `unix:/path`.
 * Throws `invalid_argument` for anything that is not on this machine, and for ports below 9.
 */
export function parseTarget(text: string): Target {
  if (text.startsWith("unix:/")) return { path: text.slice("unix:".length) };
  const match = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\]|)?:(\d{1,5})$/.exec(text);
  if (!match) {
    throw new FleetError(
      "invalid_argument",
      `"${text}" is not an address of this machine. Name localhost and a port.`,
    );
  }
  const port = Number(match[2]);
  if (port < FIRST_OPEN_PORT || port > 65_535) {
    throw new FleetError("invalid_argument", `Port ${port} cannot be reached. Use one from 9 to 65535.`);
  }
  return { host: (match[1] || "localhost").replace(/[[\]]/g, ""), port };
}

import { FleetError, MIN_PORT } from "@fleet/base";

/**
 * The grammar of workspace app addresses. Subdomain apps:
 * `[PREFIX---]{PORT[s] | SLUG}[--AGENT]--WORKSPACE--USERNAME`; path apps: `/@USERNAME/WORKSPACE[.AGENT]/apps/SLUG/…`.
 */

/** An app by its slug, or whatever listens on a port of the workspace; `https` selects the protocol to it. */
export type AppTarget = { slug: string } | { port: number; https: boolean };

export type AppAddress = {
  /** Gives an app several hosts of its own; it does not select the app. */
  prefix?: string;
  target: AppTarget;
  /** Always set for a port. A slug is unique in its workspace. */
  agent?: string;
  workspace: string;
  username: string;
};

/** The longest label that DNS allows, in characters (RFC 1035, 2.3.4). */
export const MAX_LABEL = 63;

const NAME = /^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$/;
const PREFIX = /^[a-zA-Z0-9][a-zA-Z0-9-]*$/;
const PORT = /^(\d{4,5})(s?)$/;

/** Whether the text can be a username, or the name of a workspace, agent or app in an address. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** Whether a workspace's port may be opened by a URL. */
export function isAppPort(port: number): boolean {
  return Number.isInteger(port) && port >= MIN_PORT && port <= 65_535;
}

/** The address in a subdomain's label (without a host suffix); undefined if it is not one. */
export function parseLabel(label: string): AppAddress | undefined {
  if (label.length > MAX_LABEL) return undefined;
  const split = label.lastIndexOf("---");
  const prefix = split < 0 ? undefined : label.slice(0, split);
  if (prefix !== undefined && !PREFIX.test(prefix)) return undefined;
  const names = (split < 0 ? label : label.slice(split + 3)).split("--");
  if (!names.every(isName)) return undefined;
  const [first, ...rest] = names as [string, ...string[]];
  const start = prefix === undefined ? {} : { prefix };
  if (rest.length === 2) {
    return { ...start, target: { slug: first }, workspace: rest[0]!, username: rest[1]! };
  }
  if (rest.length !== 3) return undefined;
  const target = parseTarget(first);
  return target && { ...start, target, agent: rest[0]!, workspace: rest[1]!, username: rest[2]! };
}

/**
 * The app that precedes the agent in an address: `8080` or `8080s` for a port, which has four or five digits; any
 * other name is a slug, even if it is all digits. Undefined for an invalid port.
 */
export function parseTarget(text: string): AppTarget | undefined {
  const match = PORT.exec(text);
  if (!match) return { slug: text };
  const port = Number(match[1]);
  if (!isAppPort(port) || match[1]!.startsWith("0")) return undefined;
  return { port, https: match[2] === "s" };
}

/** `code-server`, `8080` or `8080s`: the app as it stands in addresses, signed tokens and logs. */
export function formatTarget(target: AppTarget): string {
  return "slug" in target ? target.slug : `${target.port}${target.https ? "s" : ""}`;
}

/**
 * The subdomain label of an address. Throws `invalid_argument` if it has none: a name outside the
 * grammar, a port of fewer than four digits, or more than 63 characters including the host pattern's suffix.
 */
export function formatLabel(address: AppAddress, suffix = ""): string {
  const { prefix, target, agent, workspace, username } = address;
  const names = [formatTarget(target), ...(agent === undefined ? [] : [agent]), workspace, username];
  const label = `${prefix === undefined ? "" : `${prefix}---`}${names.join("--")}`;
  if (label.length + suffix.length > MAX_LABEL) {
    throw new FleetError(
      "invalid_argument",
      `The address of this app would be "${label}${suffix}", which is longer than the ${MAX_LABEL} characters that DNS allows. Use shorter names for the workspace, the agent or the app.`,
    );
  }
  const parsed = parseLabel(label);
  if (!parsed || !isSame(parsed, address)) {
    throw new FleetError("invalid_argument", `"${label}" is not an address that an app can have.`);
  }
  return label;
}

/** Whether two addresses are equal: two dashes in a name would change the label's meaning. */
function isSame(a: AppAddress, b: AppAddress): boolean {
  return (
    a.prefix === b.prefix &&
    "slug" in a.target === "slug" in b.target &&
    formatTarget(a.target) === formatTarget(b.target) &&
    a.agent === b.agent &&
    a.workspace === b.workspace &&
    a.username === b.username
  );
}

/** A path app's address, the path at which it is mounted, and the path within the app. */
export type PathApp = { address: AppAddress; base: string; rest: string };

/**
 * The path app that a URL's path belongs to; undefined if none. `base` has no trailing slash; `rest` is unchanged,
 * still escaped, and empty if the slash after the slug is missing.
 */
export function parsePath(pathname: string): PathApp | undefined {
  const match = /^(\/(?:@|%40)([^/]+)\/([^/]+)\/apps\/([^/]+))(\/.*)?$/is.exec(pathname);
  if (!match) return undefined;
  const [, base, username, place, slug, rest = ""] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string?,
  ];
  const [workspace = "", agent, ...more] = place.split(".");
  if (more.length > 0 || ![username, workspace, slug, agent ?? "a"].every(isName)) return undefined;
  return { address: { target: { slug }, ...(agent ? { agent } : {}), workspace, username }, base, rest };
}

/** The path at which a path app is mounted, without a trailing slash. Throws `invalid_argument` for a port. */
export function formatPath({ target, agent, workspace, username }: AppAddress): string {
  const path = `/@${username}/${workspace}${agent === undefined ? "" : `.${agent}`}/apps/${formatTarget(target)}`;
  if (!("slug" in target) || !parsePath(path)) {
    throw new FleetError("invalid_argument", `"${path}" is not a path that an app can have.`);
  }
  return path;
}

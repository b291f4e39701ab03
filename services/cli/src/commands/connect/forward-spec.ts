import { FleetError } from "@fleet/base";
import type { Endpoint, RemoteForward } from "../../net/remote-forward.js";

/** Forwards one local port to one port of the workspace. */
export type PortForward = {
  /** Address to listen on; both loopback addresses if omitted. */
  localHost?: string;
  localPort: number;
  remotePort: number;
};

/** Maximum number of ports that one command forwards. */
const LIMIT = 200;

/**
 * Parses `--tcp` values: `8080`, `8080:80`, `127.0.0.1:8080:80`, `8080-8090`, `8080-8090:9080-9090`, separated by
 * commas.
 */
export function parsePortForwards(texts: readonly string[]): PortForward[] {
  const forwards = texts.flatMap((text) => text.split(",")).flatMap((text) => parseOne(text.trim()));
  if (forwards.length > LIMIT) {
    throw new FleetError(
      "invalid_argument",
      `At most ${LIMIT} ports can be forwarded at once. Forward fewer.`,
    );
  }
  const seen = new Set<string>();
  for (const { localHost = "", localPort } of forwards) {
    const key = `${localHost}:${localPort}`;
    if (seen.has(key))
      throw new FleetError("invalid_argument", `The local port ${localPort} is named twice.`);
    seen.add(key);
  }
  return forwards;
}

/** `8080:db.internal:5432`, as in `ssh -L`. */
const OTHER_HOST = /^(\d+):(\[[^\]]+\]|[^:[\]]*[^:\d[\]-][^:[\]]*):(\d+)$/;

function parseOne(text: string): PortForward[] {
  const match =
    /^(?:(\[[^\]]+\]|[^:[\]]*[^:\d[\]-][^:]*|\d+(?:\.\d+){3}):)?(\d+(?:-\d+)?)(?::(\d+(?:-\d+)?))?$/.exec(
      text,
    );
  const [, local, host, remote] = OTHER_HOST.exec(text) ?? [];
  if (host) {
    throw new FleetError(
      "invalid_argument",
      `"${text}" names another host. Only ports of the workspace can be forwarded; reach other hosts with: ssh -L ${local}:${host}:${remote} <workspace>.coder`,
    );
  }
  if (!match) {
    throw new FleetError(
      "invalid_argument",
      `"${text}" is not a valid port specification. Examples: 8080, 8080:80, 8080-8090.`,
    );
  }
  const locals = parseRange(match[2]!);
  const remotes = parseRange(match[3] ?? match[2]!);
  if (locals.length !== remotes.length) {
    throw new FleetError("invalid_argument", `The two ranges of "${text}" must have the same length.`);
  }
  const localHost = match[1]?.replace(/^\[|\]$/g, "");
  return locals.map((localPort, index) => ({
    ...(localHost && localHost !== "localhost" ? { localHost } : {}),
    localPort,
    remotePort: remotes[index]!,
  }));
}

function parseRange(text: string): number[] {
  const [from = 0, to = from] = text.split("-").map(Number);
  if (from < 1 || to > 65_535 || to < from || to - from >= LIMIT) {
    throw new FleetError("invalid_argument", `"${text}" is not a range of at most ${LIMIT} ports.`);
  }
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/**
 * Parses the syntax of `ssh -R`: where to listen in the workspace, as `[address:]port` or a socket path, then where to
 * connect locally, as `host:port` or a socket path.
 */
export function parseRemoteForward(text: string): RemoteForward {
  const match =
    /^(?:(?:(\[[^\]]+\]|[^:/[\]]*):)?(\d{1,5})|(\/[^:]*)):(?:(\[[^\]]+\]|[^:/[\]]+):(\d{1,5})|(\/.+))$/.exec(
      text,
    );
  const listen = match && endpointOf(match[1] ?? "localhost", match[2], match[3]);
  const target = match && endpointOf(match[4], match[5], match[6]);
  if (listen && target) return { listen, target };
  throw new FleetError(
    "invalid_argument",
    `"${text}" is not a valid remote forward. Format: remote_port:local_host:local_port, such as 9000:localhost:3000; either side may be the path of a socket.`,
  );
}

function endpointOf(host: string | undefined, port: string | undefined, path: string | undefined) {
  if (path !== undefined) return { path } satisfies Endpoint;
  const number = Number(port);
  if (number < 1 || number > 65_535) return undefined;
  return { host: (host ?? "").replace(/^\[|\]$/g, ""), port: number } satisfies Endpoint;
}

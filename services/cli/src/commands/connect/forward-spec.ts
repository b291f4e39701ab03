import { FleetError } from "@fleet/base";
import type { RemoteForward } from "../../net/ssh-session.js";

/** One local port that leads to one port of the workspace. */
export type PortForward = { localHost: string; localPort: number; remotePort: number };

/** The most ports that one command forwards. */
const LIMIT = 200;

/** Reads the texts of `--tcp`: `8080`, `8080:80`, `127.0.0.1:8080:80`, `8080-8090`, `8080-8090:9080-9090`, and commas between them. */
export function parsePortForwards(texts: readonly string[]): PortForward[] {
  const forwards = texts.flatMap((text) => text.split(",")).flatMap((text) => parseOne(text.trim()));
  if (forwards.length > LIMIT) {
    throw new FleetError("invalid_argument", `That is more than ${LIMIT} ports. Forward fewer at once.`);
  }
  return forwards;
}

function parseOne(text: string): PortForward[] {
  const match =
    /^(?:(\[[^\]]+\]|[^:[\]]*[^:\d[\]-][^:]*|\d+(?:\.\d+){3}):)?(\d+(?:-\d+)?)(?::(\d+(?:-\d+)?))?$/.exec(
      text,
    );
  if (!match) {
    throw new FleetError(
      "invalid_argument",
      `"${text}" names no ports. Write it like 8080, 8080:80 or 8080-8090.`,
    );
  }
  const local = parseRange(match[2]!);
  const remote = parseRange(match[3] ?? match[2]!);
  if (local.length !== remote.length) {
    throw new FleetError("invalid_argument", `The two ranges of "${text}" are not of the same length.`);
  }
  const localHost = match[1]?.replace(/^\[|\]$/g, "") ?? "127.0.0.1";
  return local.map((localPort, index) => ({ localHost, localPort, remotePort: remote[index]! }));
}

function parseRange(text: string): number[] {
  const [from = 0, to = from] = text.split("-").map(Number);
  if (from < 1 || to > 65_535 || to < from || to - from >= LIMIT) {
    throw new FleetError("invalid_argument", `"${text}" is not a range of at most ${LIMIT} ports.`);
  }
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** Reads `remote_port:local_host:local_port`, as `ssh -R` takes it. */
export function parseRemoteForward(text: string): RemoteForward {
  const match = /^(\d{1,5}):(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(text);
  if (!match) {
    throw new FleetError(
      "invalid_argument",
      `"${text}" is no remote forward. Write it like 9000:localhost:3000: remote port, local host, local port.`,
    );
  }
  return {
    remotePort: Number(match[1]),
    localHost: match[2]!.replace(/^\[|\]$/g, ""),
    localPort: Number(match[3]),
  };
}

import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FleetError } from "@fleet/base";
import type { Client } from "ssh2";

/** A TCP address or a socket path. */
export type Endpoint = { host: string; port: number } | { path: string };

/** Forwards connections to `listen` in the workspace to the local `target`. */
export type RemoteForward = { listen: Endpoint; target: Endpoint };

type Accept<Channel> = () => Channel;

/** Listens in the workspace and forwards each connection to a local one. Throws if listening fails. */
export function forwardRemote(client: Client, { listen, target }: RemoteForward): Promise<void> {
  const join = (accept: Accept<Duplex>, reject: () => void) => {
    const local = "path" in target ? connect(target.path) : connect(target.port, target.host);
    local.once("error", reject);
    local.once("connect", () => {
      local.off("error", reject);
      joinStreams(local, accept());
    });
  };
  if ("path" in listen) {
    client.on("unix connection", (details, accept, reject) => {
      if (details.socketPath === listen.path) join(accept, reject);
    });
    return listening(listen.path, (done) => client.openssh_forwardInStreamLocal(listen.path, done));
  }
  client.on("tcp connection", (details, accept, reject) => {
    if (details.destPort === listen.port) join(accept, reject);
  });
  return listening(`Port ${listen.port}`, (done) => client.forwardIn(listen.host, listen.port, done));
}

function listening(what: string, ask: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    ask((cause) => {
      if (!cause) return resolve();
      const message = `${what} of the workspace cannot be listened on: it is in use, or forwarding is not permitted.`;
      reject(new FleetError("unavailable", message, { cause }));
    });
  });
}

/** Copies bytes in both directions until both sides have ended. An error of either side ends both. */
export function joinStreams(one: Duplex, other: Duplex): void {
  void Promise.all([pipeline(one, other), pipeline(other, one)]).catch(() => {
    one.destroy();
    other.destroy();
  });
}

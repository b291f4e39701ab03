import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Clock, errorMessage, FleetError, type Logger } from "@fleet/base";
import ssh2, { type Connection, type ServerChannel } from "ssh2";
import { serveForwards } from "./forward.js";
import { type SessionOptions, type SessionType, serveSession } from "./session.js";

/** Connections at once; each has its own buffers of some MiB at most. */
const MAX_CONNECTIONS = 1_000;
/** A client that answers nothing for ten of these is let go: a laptop may sleep for a while. In milliseconds. */
const KEEPALIVE_MS = 60_000;
const MAX_MISSED_KEEPALIVES = 10;

export type SshServerOptions = Omit<SessionOptions, "onSession" | "onTerminal"> & {
  /** A session began; the result is called when it ends. While `isPresent` is false, nobody is there to use it. */
  onSession(type: SessionType, isPresent: () => boolean): () => void;
  /** The host key, PEM. */
  hostKey: string;
  /** A connection older than this is closed, in milliseconds. */
  maxAgeMs: number;
  clock: Clock;
  logger: Logger;
};

export type SshServer = {
  /** Serves one client on the stream, and pings it. */
  accept(stream: Duplex): void;
  /** Serves one client on a stream that watches over the other end itself, and may be without it for long. */
  acceptResumable(stream: Duplex & { readonly connected: boolean }): void;
  /** Writes a line to the terminals of the client that is served on the stream. */
  tell(stream: Duplex, line: string): void;
  /** Ends every connection. */
  close(): void;
};

/**
 * The workspace's SSH server. It asks for no proof of who the client is: only the deployment can open a stream to it,
 * and has authorized the user before.
 */
export function createSshServer(options: SshServerOptions): SshServer {
  const { hostKey, maxAgeMs, clock, logger } = options;
  /** The streams that are served, with the terminals on each. */
  const streams = new Map<Duplex, Set<ServerChannel>>();
  const connections = new Set<Connection>();
  const settings = { hostKeys: [hostKey], ident: "fleet" };
  const pinging = {
    ...settings,
    keepaliveInterval: KEEPALIVE_MS,
    keepaliveCountMax: MAX_MISSED_KEEPALIVES,
  };

  function onClient(client: Connection, terminals: Set<ServerChannel>, isPresent: () => boolean): void {
    const sessionOptions = {
      ...options,
      onSession: (type: SessionType) => options.onSession(type, isPresent),
      onTerminal(channel: ServerChannel) {
        terminals.add(channel);
        channel.once("close", () => terminals.delete(channel));
      },
    };
    connections.add(client);
    client.setMaxListeners(0); // Each of its sessions listens.
    const expiry = clock.after(maxAgeMs, () => client.end());
    client.on("authentication", (context) => context.accept());
    client.on("session", (accept) => serveSession(accept(), client, sessionOptions));
    client.on("error", (error) => logger.debug("An SSH connection broke.", { reason: errorMessage(error) }));
    client.on("close", () => {
      connections.delete(client);
      expiry.cancel();
    });
    serveForwards(client, logger);
  }

  /** A server of its own for each stream: ssh2 does not say which stream a client came by. */
  function serve(stream: Duplex, its: typeof settings, isPresent: () => boolean): void {
    stream.on("error", () => {});
    if (streams.size >= MAX_CONNECTIONS) {
      const message = `The workspace has ${MAX_CONNECTIONS} SSH connections. Close some first.`;
      return void stream.destroy(new FleetError("resource_exhausted", message));
    }
    const terminals = new Set<ServerChannel>();
    streams.set(stream, terminals);
    stream.once("close", () => streams.delete(stream));
    // A client that ends its half has left; ssh2 would keep ours open.
    stream.on("end", () => stream.end());
    new ssh2.Server(its, (client) => onClient(client, terminals, isPresent)).injectSocket(stream as Socket);
  }

  return {
    accept: (stream) => serve(stream, pinging, () => true),
    acceptResumable: (stream) => serve(stream, settings, () => stream.connected),
    tell(stream, line) {
      for (const terminal of streams.get(stream) ?? []) terminal.write(`\r\n${line}\r\n`);
    },
    close() {
      for (const client of connections) client.end();
    },
  };
}

/** A host key for an agent whose manifest has none, PEM. */
export function generateHostKey(): string {
  // About one key in 250 is written by ssh2 so that it cannot read it again.
  for (;;) {
    const { private: key } = ssh2.utils.generateKeyPairSync("ed25519");
    if (!(ssh2.utils.parseKey(key) instanceof Error)) return key;
  }
}

/** The public half of a host key, as known_hosts and authorized_keys have it. */
export function publicHalf(hostKey: string): string {
  const parsed = ssh2.utils.parseKey(hostKey);
  if (parsed instanceof Error) throw parsed;
  const [key] = [parsed].flat();
  return `${key!.type} ${key!.getPublicSSH().toString("base64")}`;
}

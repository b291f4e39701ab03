import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Clock, errorMessage, FleetError, formatDuration, type Logger } from "@fleet/base";
import ssh2, { type Connection, type ServerChannel } from "ssh2";
import { serveForwards } from "./forward.js";
import type { Running } from "./process.js";
import { type SessionOptions, type SessionType, serveSession } from "./session.js";

/** Connections at once; each has its own buffers of some MiB at most. */
const MAX_CONNECTIONS = 1_000;
/**
 * As sshd, which by default never ends a connection for its client's silence: a laptop sleeps, a process is stopped. A
 * ping now and then lets the network notice who has vanished. ssh2 takes 0 for "unset" and then ends it after 45 s.
 */
const PINGING = { keepaliveInterval: 60_000, keepaliveCountMax: Number.MAX_SAFE_INTEGER };
/** The longest that Node's timers wait: longer than any connection of this server lasts. */
const NOT_PINGING = { ...PINGING, keepaliveInterval: 2 ** 31 - 1 };
/** How long the last words to a client may take on their way, in milliseconds. */
const FAREWELL_MS = 2_000;
/** RFC 4253, section 11.1. */
const PROTOCOL_ERROR = 2;

const STOPPING = "The workspace is stopping.";

export type SshServerOptions = Omit<
  SessionOptions,
  "onSession" | "onTerminal" | "onRunning" | "clientIdent"
> & {
  /** A session began; the result is called when it ends. While `isPresent` is false, nobody is there to use it. */
  onSession(type: SessionType, isPresent: () => boolean): () => void;
  /** The host key, PEM. */
  hostKey: string;
  /** A connection older than this is closed, in milliseconds; 0: none is. */
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
  /**
   * Hangs up on all that runs, and ends every connection but those on resumable streams, which whoever closes those tells.
   * Resolves when the clients have been told, or after 2 seconds.
   */
  close(): Promise<void>;
};

/** With the words for its client that our patch of ssh2 adds: docs/adr/0012-patched-ssh2.md. */
type ServedConnection = Connection & { end(description?: string, reason?: number): void };

type Served = {
  stream: Duplex;
  terminals: Set<ServerChannel>;
  isPresent: () => boolean;
  /** Who ends the stream can tell its client why, without SSH. */
  isResumable: boolean;
};

/**
 * The workspace's SSH server. It asks for no proof of who the client is: only the deployment can open a stream to it,
 * and has authorized the user before.
 */
export function createSshServer(options: SshServerOptions): SshServer {
  const { hostKey, maxAgeMs, clock, logger } = options;
  /** The streams that are served, with the terminals on each. */
  const streams = new Map<Duplex, Set<ServerChannel>>();
  const connections = new Map<ServedConnection, Served>();
  const programs = new Set<Running>();
  const settings = { hostKeys: [hostKey], ident: "fleet" };

  function onClient(client: ServedConnection, served: Served, clientIdent: string): void {
    const sessionOptions: SessionOptions = {
      ...options,
      clientIdent,
      onSession: (type) => options.onSession(type, served.isPresent),
      onTerminal(channel) {
        served.terminals.add(channel);
        channel.once("close", () => served.terminals.delete(channel));
      },
      onRunning(running) {
        programs.add(running);
        void running.ended.then(() => programs.delete(running));
      },
    };
    connections.set(client, served);
    client.setMaxListeners(0); // Each of its sessions listens.
    const tooOld = () => client.end(`The connection is older than ${formatDuration(maxAgeMs)}.`);
    const expiry = maxAgeMs > 0 ? clock.after(maxAgeMs, tooOld) : undefined;
    client.on("authentication", (context) => context.accept());
    client.on("session", (accept) => serveSession(accept(), client, sessionOptions));
    client.on("error", (error) => {
      logger.debug("An SSH connection broke.", { reason: errorMessage(error) });
      // ssh2 has told of some of its errors, and of others not; what comes second is not sent.
      client.end(`Protocol error: ${errorMessage(error)}.`, PROTOCOL_ERROR);
      const reason = `The SSH connection ended with a protocol error: ${errorMessage(error)}.`;
      const giveUp = () => served.stream.destroy(new FleetError("invalid_argument", reason));
      const timer = clock.after(FAREWELL_MS, giveUp);
      served.stream.once("close", () => timer.cancel());
    });
    client.on("close", () => {
      connections.delete(client);
      expiry?.cancel();
    });
    serveForwards(client, logger);
  }

  /** A server of its own for each stream: ssh2 does not say which stream a client came by. */
  function serve(stream: Duplex, isResumable: boolean, isPresent: () => boolean): void {
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
    const served: Served = { stream, terminals, isPresent, isResumable };
    const keepalive = isResumable ? NOT_PINGING : PINGING;
    const server = new ssh2.Server({ ...settings, ...keepalive }, (client, { header }) =>
      onClient(client as ServedConnection, served, header.versions.software),
    );
    server.injectSocket(stream as Socket);
  }

  return {
    accept: (stream) => serve(stream, false, () => true),
    acceptResumable: (stream) => serve(stream, true, () => stream.connected),
    tell(stream, line) {
      for (const terminal of streams.get(stream) ?? []) terminal.write(`\r\n${line}\r\n`);
    },
    async close() {
      // A shell's own children are hung up on by the kernel, once it is gone.
      for (const running of programs) running.signal("SIGHUP");
      await Promise.all([...connections].map(([client, served]) => farewell(client, served)));
    },
  };

  function farewell(client: ServedConnection, { stream, isResumable }: Served): Promise<void> {
    return new Promise<void>((resolve) => {
      if (isResumable) return resolve();
      const timer = clock.after(FAREWELL_MS, resolve);
      const told = () => {
        timer.cancel();
        resolve();
      };
      stream.once("finish", told).once("close", told);
      client.end(STOPPING);
    });
  }
}

/** The manifest's host key where it has one that can be read, otherwise one made here, PEM. */
export function hostKeyOf(given: string): string {
  return given === "" || ssh2.utils.parseKey(given) instanceof Error ? generateHostKey() : given;
}

/** PEM. */
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

import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Clock, errorMessage, FleetError, formatDuration, type Logger } from "@fleet/base";
import type { ServedStream } from "@fleet/tunnel/resumable";
import ssh2, { type Connection, type ServerChannel } from "ssh2";
import type { SessionCarrier, StartedSession } from "../stats/counters.js";
import { serveForwards } from "./forward.js";
import type { Running } from "./process.js";
import { type SessionOptions, type SessionType, serveSession } from "./session.js";

/** Maximum number of connections; each has buffers of a few MiB at most. */
const MAX_CONNECTIONS = 1_000;
/**
 * Like sshd, which by default never closes a connection because its client is silent (a laptop sleeps, a process is
 * stopped). Occasional pings let the network detect vanished clients. ssh2 treats 0 as unset and closes after 45 s.
 */
const PINGING = { keepaliveInterval: 60_000, keepaliveCountMax: Number.MAX_SAFE_INTEGER };
/** The maximum delay of Node's timers, longer than any connection of this server. */
const NOT_PINGING = { ...PINGING, keepaliveInterval: 2 ** 31 - 1 };
/** How long to wait for the disconnect message to be sent, in milliseconds. */
const FAREWELL_MS = 2_000;
/** RFC 4253, section 11.1. */
const PROTOCOL_ERROR = 2;

const STOPPING = "The workspace is stopping.";

export type SshServerOptions = Omit<
  SessionOptions,
  "onSession" | "onTerminal" | "onRunning" | "clientIdent"
> & {
  /** Called when a session starts. */
  onSession(type: SessionType, carrier: SessionCarrier): StartedSession;
  /** The host key, PEM. */
  hostKey: string;
  /** Maximum age of a connection, in milliseconds; 0 for no limit. */
  maxAgeMs: number;
  clock: Clock;
  logger: Logger;
};

export type SshServer = {
  /** Serves one client on the stream, with keepalive pings. `connection` is the name that its proxy gave it. */
  accept(stream: Duplex, connection: string): void;
  /** Serves one client on a resumable stream, which has its own keepalive and may be disconnected for long. */
  acceptResumable(stream: ServedStream): void;
  /** Writes a line to the terminals of the stream's client. */
  tell(stream: Duplex, line: string): void;
  /**
   * Sends SIGHUP to all sessions and closes every connection except those on resumable streams, which are closed by
   * their owner. Resolves when clients have received the disconnect message, or after 2 seconds.
   */
  close(): Promise<void>;
};

/** With the disconnect message that our patch of ssh2 adds: docs/adr/0012-patched-ssh2.md. */
type ServedConnection = Connection & { end(description?: string, reason?: number): void };

type Served = {
  stream: Duplex;
  terminals: Set<ServerChannel>;
  carrier: SessionCarrier;
  /** A stream whose owner can tell the client why it ended, outside of SSH. */
  isResumable: boolean;
};

/**
 * The workspace's SSH server. It does not authenticate clients: only the deployment can open a stream to it, and it has
 * already authorized the user.
 */
export function createSshServer(options: SshServerOptions): SshServer {
  const { hostKey, maxAgeMs, clock, logger } = options;
  /** Active streams, with the terminals on each. */
  const streams = new Map<Duplex, Set<ServerChannel>>();
  const connections = new Map<ServedConnection, Served>();
  const programs = new Set<Running>();
  const settings = { hostKeys: [hostKey], ident: "fleet" };

  function onClient(client: ServedConnection, served: Served, clientIdent: string): void {
    const sessions = new Set<StartedSession>();
    const sessionOptions: SessionOptions = {
      ...options,
      clientIdent,
      onSession(type) {
        const session = options.onSession(type, served.carrier);
        served.stream.on("carried", session.moved);
        sessions.add(session);
        return {
          input: session.input,
          end(exitCode) {
            served.stream.off("carried", session.moved);
            sessions.delete(session);
            session.end(exitCode);
          },
        };
      },
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
    client.setMaxListeners(0); // Each session adds a listener.
    const tooOld = () => client.end(`The connection reached its maximum age of ${formatDuration(maxAgeMs)}.`);
    const expiry = maxAgeMs > 0 ? clock.after(maxAgeMs, tooOld) : undefined;
    client.on("authentication", (context) => context.accept());
    client.on("session", (accept) => serveSession(accept(), client, sessionOptions));
    client.on("error", (error) => {
      logger.debug("SSH connection failed.", { reason: errorMessage(error) });
      // ssh2 has already sent a disconnect message for some errors; a second one is not sent.
      client.end(`Protocol error: ${errorMessage(error)}.`, PROTOCOL_ERROR);
      const reason = `SSH protocol error: ${errorMessage(error)}.`;
      const giveUp = () => served.stream.destroy(new FleetError("invalid_argument", reason));
      const timer = clock.after(FAREWELL_MS, giveUp);
      served.stream.once("close", () => timer.cancel());
    });
    client.on("close", () => {
      connections.delete(client);
      expiry?.cancel();
    });
    serveForwards(client, logger, (bytes) => {
      for (const session of sessions) session.forwarded(bytes);
    });
  }

  /** A server per stream, because ssh2 does not report which stream a client belongs to. */
  function serve(stream: Duplex, isResumable: boolean, carrier: SessionCarrier): void {
    stream.on("error", () => {});
    stream.setMaxListeners(0); // Each session adds some.
    if (streams.size >= MAX_CONNECTIONS) {
      const message = `The workspace has ${MAX_CONNECTIONS} open SSH connections, which is the limit. Close some, then try again.`;
      return void stream.destroy(new FleetError("resource_exhausted", message));
    }
    const terminals = new Set<ServerChannel>();
    streams.set(stream, terminals);
    stream.once("close", () => streams.delete(stream));
    // A client that ends its half has disconnected; ssh2 would keep ours open.
    stream.on("end", () => stream.end());
    const served: Served = { stream, terminals, carrier, isResumable };
    const keepalive = isResumable ? NOT_PINGING : PINGING;
    const server = new ssh2.Server({ ...settings, ...keepalive }, (client, { header }) =>
      onClient(client as ServedConnection, served, header.versions.software),
    );
    server.injectSocket(stream as Socket);
  }

  return {
    accept: (stream, connection) =>
      serve(stream, false, { isPresent: () => true, connection: () => connection }),
    acceptResumable: (stream) =>
      serve(stream, true, { isPresent: () => stream.connected, connection: () => stream.carrier }),
    tell(stream, line) {
      for (const terminal of streams.get(stream) ?? []) terminal.write(`\r\n${line}\r\n`);
    },
    async close() {
      // The kernel sends SIGHUP to a shell's children when it exits.
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

/** The manifest's host key if valid, otherwise a generated one, PEM. */
export function hostKeyOf(given: string): string {
  return given === "" || ssh2.utils.parseKey(given) instanceof Error ? generateHostKey() : given;
}

/** PEM. */
export function generateHostKey(): string {
  // ssh2 writes about one key in 250 in a form that it cannot parse.
  for (;;) {
    const { private: key } = ssh2.utils.generateKeyPairSync("ed25519");
    if (!(ssh2.utils.parseKey(key) instanceof Error)) return key;
  }
}

/** The public key of a host key, in the format of known_hosts and authorized_keys. */
export function publicHalf(hostKey: string): string {
  const parsed = ssh2.utils.parseKey(hostKey);
  if (parsed instanceof Error) throw parsed;
  const [key] = [parsed].flat();
  return `${key!.type} ${key!.getPublicSSH().toString("base64")}`;
}

import { type AddressInfo, createServer, type Socket } from "node:net";
import { type Clock, type Closer, errorMessage, type Logger, parseAddress } from "@fleet/base";
import ssh2, { type Connection } from "ssh2";
import { createTrust, plainAddress } from "../http/client-facts.js";
import { type Listening, listen } from "../http/listen.js";
import { LIMITS } from "../limits.js";
import type { ProxyMetrics } from "../metrics.js";
import type { Coderd } from "../session/coderd.js";
import type { StreamGrants } from "../session/grants.js";
import type { SettingsStore } from "../session/settings.js";
import type { OpenAgentStream } from "../ssh/agent-streams.js";
import type { Traffic } from "../traffic.js";
import type { WrongKeys } from "../tunnel/wrong-keys.js";
import { createSshAdmission, type SshPass } from "./admission.js";
import { createAuthentication } from "./authentication.js";
import { createSshClient } from "./client.js";
import { knownHostsLine } from "./known-hosts.js";
import { readProxyHeader } from "./proxy-protocol.js";
import { disconnect } from "./ssh2-internals.js";

/** As of the agents' SSH servers, so that clients treat both alike. */
const IDENT = "fleet";
/** Never: the agents' servers ping through the proxy, and the kernel probes the client. The maximum delay of a timer. */
const KEEPALIVE = { keepaliveInterval: 2 ** 31 - 1, keepaliveCountMax: Number.MAX_SAFE_INTEGER };

export type JumpHostOptions = {
  coderd: Coderd;
  settings: SettingsStore;
  grants: Pick<StreamGrants, "now">;
  openStream: OpenAgentStream;
  wrongKeys: WrongKeys;
  traffic: Traffic;
  metrics: Pick<ProxyMetrics, "sshSignIn">;
  /** CIDR ranges of load balancers that may name the client with the PROXY protocol. */
  trustedOrigins: readonly string[];
  /** Whether `ssh workspace.user@host` is served: the proxy decrypts such sessions. */
  sessions: boolean;
  /** `host:port` to listen on. */
  address: string;
  /** `host:port` that clients connect to; by default the access URL's host, and the port that is listened on. */
  advertise?: string;
  clock: Clock;
  log: Logger;
};

/** The SSH server for clients that have nothing of ours installed. */
export type JumpHost = {
  /** Starts, and adds its end to the closer. Resolves with `host:port`; rejects if it cannot listen on the address. */
  listen(closer: Closer): Promise<string>;
  /** Stops accepting clients. */
  stop(): void;
  /** The line of known_hosts; undefined until coderd was reached. */
  knownHosts(): string | undefined;
};

export function createJumpHost(options: JumpHostOptions): JumpHost {
  const { settings, clock, log } = options;
  const admission = createSshAdmission();
  const isTrusted = createTrust(options.trustedOrigins);
  const clients = new Map<Connection, Socket>();
  let listening: Listening | undefined;

  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: LIMITS.clientProbeMs },
    (socket) => {
      socket.on("error", () => {});
      accept(socket).catch((error: unknown) => {
        log.debug("An SSH client was refused.", { peer: socket.remoteAddress, reason: errorMessage(error) });
        socket.destroy();
      });
    },
  );

  /** Where clients connect to, for messages and known_hosts. */
  function self(): { host: string; port: number } {
    if (options.advertise) return parseAddress(options.advertise);
    const { port } = server.address() as AddressInfo;
    return { host: settings.required().accessUrl.hostname.replace(/^\[|\]$/g, ""), port };
  }

  async function accept(socket: Socket): Promise<void> {
    const peer = plainAddress(socket.remoteAddress ?? "");
    const named = isTrusted(peer)
      ? await readProxyHeader(socket, { waitMs: LIMITS.proxyHeaderMs, clock })
      : undefined;
    const address = named ?? peer;
    const hostKey = settings.current()?.sshHostKey;
    // A line before the version is shown by clients (RFC 4253, section 4.2).
    if (!hostKey) return void socket.end("The proxy is starting. Try again in a moment.\r\n");
    const entered = admission.enter(address);
    if ("refusal" in entered) return void socket.end(`${entered.refusal}\r\n`);
    socket.once("close", entered.pass.leave);
    greet(socket, address, hostKey, entered.pass);
  }

  /** A server for each socket, because ssh2 does not report which one a client belongs to. */
  function greet(socket: Socket, address: string, hostKey: string, pass: SshPass): void {
    let timer = clock.after(LIMITS.sshSignInMs, () => socket.destroy());
    socket.once("close", () => timer.cancel());
    const one = new ssh2.Server({ hostKeys: [hostKey], ident: IDENT, ...KEEPALIVE }, (client, { header }) => {
      clients.set(client, socket);
      socket.once("close", () => clients.delete(client));
      serve(client, socket, header.versions.software, address, pass, (untilMs) => {
        timer.cancel();
        if (untilMs !== undefined)
          timer = clock.after(untilMs - clock.now().getTime(), () => socket.destroy());
      });
    });
    one.injectSocket(socket);
    if (socket.isPaused()) socket.resume();
  }

  function serve(
    client: Connection,
    socket: Socket,
    software: string,
    address: string,
    pass: SshPass,
    /** Sets until when the client may sign in; without a time, it has. */
    extend: (untilMs?: number) => void,
  ): void {
    const gone = new AbortController();
    socket.once("close", () => gone.abort());
    client.setMaxListeners(0); // Each channel adds a listener.
    client.on("error", (error) => {
      log.debug("SSH connection failed.", { address, reason: errorMessage(error) });
      // ssh2 has sent a disconnect message, and ends the socket.
      const giveUp = clock.after(LIMITS.sshFarewellMs, () => socket.destroy());
      socket.once("close", () => giveUp.cancel());
    });
    client.on("end", () => socket.end());
    client.on(
      "authentication",
      createAuthentication({
        ...options,
        address,
        software,
        pass,
        signal: gone.signal,
        onLink: extend,
        refuse(reason) {
          options.metrics.sshSignIn("refused");
          disconnect(client, reason);
        },
        async onIdentity(identity, login) {
          extend();
          pass.signedIn();
          options.metrics.sshSignIn(identity.sshKeyId === "" ? "link" : "key");
          log.info("An SSH client signed in.", {
            address,
            software,
            userId: identity.userId,
            sshKeyId: identity.sshKeyId,
          });
          const served = createSshClient(client, socket, identity, login, {
            ...options,
            address,
            software,
            signal: gone.signal,
            self: self(),
          });
          if (login.host !== undefined && options.sessions) await served.leadTo(login.host);
          served.serve();
        },
      }),
    );
  }

  /** Disconnects all clients. Resolves when they have received the reason, or after 2 seconds. */
  async function dismiss(reason: string): Promise<void> {
    const limit = clock.sleep(LIMITS.sshFarewellMs);
    await Promise.all(
      [...clients].map(([client, socket]) => {
        const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
        disconnect(client, reason);
        return Promise.race([closed, limit]);
      }),
    );
  }

  return {
    async listen(closer) {
      listening = await listen(server, options.address, "CODER_PROXY_SSH_ADDRESS", log);
      closer.add(() => listening?.close());
      closer.add(() => dismiss("The server is restarting. Reconnect."));
      return listening.address;
    },
    stop: () => listening?.stop(),
    knownHosts() {
      const hostKey = settings.current()?.sshHostKey;
      return hostKey ? knownHostsLine(self(), hostKey) : undefined;
    },
  };
}

import { timingSafeEqual } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { type Logger, toFleetError } from "@fleet/base";
import { createTunnel, type PendingStream, type Tunnel } from "@fleet/tunnel";
import type { AgentRegistry } from "../agents/registry.js";
import { acceptUpgrade, answer, answerUpgrade, jsonAnswer } from "../http/answer.js";
import { asksFor, headerText } from "../http/headers.js";
import { splice } from "../http/splice.js";
import { LIMITS } from "../limits.js";
import type { SettingsStore } from "../session/settings.js";
import {
  agentNotHere,
  RELAY_AGENT,
  RELAY_LIMITS,
  RELAY_PROTOCOL,
  RELAY_REPLICA_HEADER,
  RELAY_TOKEN_HEADER,
} from "./protocol.js";

export type RelayListenerOptions = {
  settings: SettingsStore;
  agents: AgentRegistry;
  replicaId: string;
  log: Logger;
};

export type RelayListener = {
  /** The HTTP server, not listening yet. */
  server: Server;
  /** Sends other replicas elsewhere; resolves when their streams have ended. Resumable streams are closed. */
  drain(): Promise<void>;
  close(): void;
};

/**
 * Accepts streams from other replicas to agents of this replica only: a stream is never relayed twice, so stale routes
 * cannot cause a loop.
 */
export function createRelayListener(options: RelayListenerOptions): RelayListener {
  const { settings, agents, replicaId, log } = options;
  const tunnels = new Set<Tunnel>();
  /** Streams whose ends resume over another path when this one is closed. */
  const resumable = new Set<Duplex>();

  async function relay(pending: PendingStream): Promise<void> {
    const { [RELAY_AGENT]: agentId = "", ...meta } = pending.header.meta ?? {};
    const agent = agents.get(agentId);
    if (!agent) {
      return pending.refuse(agentNotHere());
    }
    try {
      const { kind, target } = pending.header;
      const signal = AbortSignal.timeout(LIMITS.openAgentTimeoutMs);
      const upstream = await agent.tunnel.open({ kind, target, meta }, { signal });
      const stream = pending.accept();
      if (meta.resumable !== undefined) resumable.add(stream);
      await splice(stream, upstream).finally(() => resumable.delete(stream));
    } catch (error) {
      pending.refuse(agents.get(agentId) === agent ? toFleetError(error) : agentNotHere());
    }
  }

  function accept(socket: Duplex, head: Buffer): void {
    acceptUpgrade(socket, head, RELAY_PROTOCOL);
    const tunnel = createTunnel(socket, {
      role: "server",
      limits: RELAY_LIMITS,
      onStream: (pending) => void relay(pending),
    });
    tunnels.add(tunnel);
    void tunnel.closed.then(() => tunnels.delete(tunnel));
  }

  const server = createServer({ maxHeaderSize: LIMITS.headerBytes, noDelay: true }, (_request, response) =>
    answer(response, jsonAnswer(404, "This address is reserved for the deployment's proxy replicas.")),
  );
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => {});
    const relayToken = settings.current()?.relayToken ?? "";
    if (!asksFor(request.headers.upgrade, RELAY_PROTOCOL)) {
      return answerUpgrade(socket, jsonAnswer(426, `Expected an upgrade to ${RELAY_PROTOCOL}.`));
    }
    if (relayToken === "" || !sameToken(headerText(request, RELAY_TOKEN_HEADER), relayToken)) {
      log.warn("Rejected a relay connection with an invalid token.", { peer: request.socket.remoteAddress });
      return answerUpgrade(socket, jsonAnswer(401, "Invalid relay token."));
    }
    if (headerText(request, RELAY_REPLICA_HEADER) !== replicaId) {
      return answerUpgrade(socket, jsonAnswer(421, "This address belongs to a different replica."));
    }
    accept(socket, head);
  });

  return {
    server,
    async drain() {
      for (const stream of resumable) stream.destroy();
      await Promise.all([...tunnels].map((tunnel) => tunnel.drain("The replica is draining.")));
    },
    close() {
      for (const tunnel of tunnels) tunnel.close("The replica is shutting down.");
    },
  };
}

/** Constant-time comparison. */
function sameToken(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

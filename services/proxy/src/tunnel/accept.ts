import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import {
  errorMessage,
  FleetError,
  isFleetError,
  type Logger,
  SESSION_HEADER,
  TUNNEL_PROTOCOL,
} from "@fleet/base";
import { AccessMethod, GrantKind } from "@fleet/proto-gen/proxy";
import { createTunnel, type TunnelLimits } from "@fleet/tunnel";
import { createWebSocketStream, WebSocketServer } from "ws";
import type { AgentRegistry } from "../agents/registry.js";
import { acceptUpgrade, answerUpgrade, errorAnswer, jsonAnswer } from "../http/answer.js";
import type { ClientFacts } from "../http/client-facts.js";
import { asksFor, headerText } from "../http/headers.js";
import type { Coderd } from "../session/coderd.js";
import type { StreamGrant, StreamGrants } from "../session/grants.js";
import type { WrongKeys } from "./wrong-keys.js";

export const TUNNEL_PATH = "/api/v2/workspaceagents/me/tunnel";

export type TunnelAcceptorOptions = {
  coderd: Coderd;
  agents: AgentRegistry;
  grants: StreamGrants;
  wrongKeys: WrongKeys;
  log: Logger;
  limits?: Partial<TunnelLimits>;
  /** True while the replica drains and agents should dial another one. */
  draining(): boolean;
};

/**
 * Accepts an agent's connection: `GET /api/v2/workspaceagents/me/tunnel` with `Upgrade: coder-tunnel/1` and its token,
 * or with `Upgrade: websocket` if a middlebox blocks other upgrades. After the 101, the tunnel protocol starts.
 */
export function createTunnelAcceptor(options: TunnelAcceptorOptions) {
  const { coderd, agents, grants, wrongKeys, log, limits, draining } = options;
  const webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 1024 * 1024,
  });

  type Authenticated = { agentId: string; workspaceId: string; decidedAtMs: number };

  function adopt(transport: Duplex, { decidedAtMs, ...agent }: Authenticated): void {
    const tunnel = createTunnel(transport, { role: "server", limits });
    const release = grants.hold(tunnelGrant(agent), decidedAtMs, ({ message }) => tunnel.close(message));
    const connected = agents.connect({ ...agent, tunnel });
    const startedAt = performance.now();
    log.info("An agent connected.", { agentId: agent.agentId, workspaceId: agent.workspaceId });
    void tunnel.closed.then((reason) => {
      release();
      const { bytesIn, bytesOut } = tunnel.stats();
      log.info("An agent's tunnel closed.", {
        agentId: agent.agentId,
        workspaceId: agent.workspaceId,
        connectedAtMs: connected.connectedAtMs,
        durationMs: Math.round(performance.now() - startedAt),
        code: reason.code,
        reason: reason.message,
        bytesIn,
        bytesOut,
      });
    });
  }

  return async (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    { address }: Pick<ClientFacts, "address">,
  ): Promise<void> => {
    socket.on("error", () => {});
    const { upgrade } = request.headers;
    const webSocket = asksFor(upgrade, "websocket");
    if (!webSocket && !asksFor(upgrade, TUNNEL_PROTOCOL)) {
      const headers = { Upgrade: TUNNEL_PROTOCOL };
      return answerUpgrade(
        socket,
        jsonAnswer(426, `Expected an upgrade to ${TUNNEL_PROTOCOL} or websocket.`, headers),
      );
    }
    if (draining()) {
      return answerUpgrade(
        socket,
        jsonAnswer(503, "This replica is draining. Try again.", { "Retry-After": "1" }),
      );
    }
    const token = headerText(request, SESSION_HEADER);
    if (token === "") {
      return answerUpgrade(
        socket,
        jsonAnswer(401, "Missing agent token. Send it in the Coder-Session-Token header."),
      );
    }
    const decidedAtMs = grants.now();
    let agent: Authenticated;
    try {
      const { agentId, workspaceId } = await wrongKeys.check(address, () =>
        coderd.authenticateAgent({ agentToken: token }),
      );
      agent = { agentId, workspaceId, decidedAtMs };
    } catch (error) {
      if (!isFleetError(error, "unauthenticated", "resource_exhausted")) {
        log.warn("Failed to authenticate an agent.", { reason: errorMessage(error) });
      }
      return answerUpgrade(socket, errorAnswer(awayError(error)));
    }
    if (socket.destroyed) return;
    if (webSocket) {
      webSockets.handleUpgrade(request, socket, head, (client) =>
        adopt(createWebSocketStream(client), agent),
      );
      return;
    }
    acceptUpgrade(socket, head, TUNNEL_PROTOCOL);
    adopt(socket, agent);
  };
}

/** The grant of an agent's tunnel; it ends when a later build replaces the agent. */
function tunnelGrant({ agentId, workspaceId }: { agentId: string; workspaceId: string }): StreamGrant {
  return {
    kind: GrantKind.TUNNEL,
    keyId: "",
    userId: "",
    workspaceId,
    agentId,
    accessMethod: AccessMethod.UNSPECIFIED,
    appSlugOrPort: "",
    sshKeyId: "",
    expiresAtMs: 0n,
  };
}

/** The error shown to clients when coderd cannot be reached. */
export function awayError(error: unknown): unknown {
  if (!isFleetError(error, "unavailable", "deadline_exceeded")) return error;
  return new FleetError("unavailable", "The control plane is unavailable. Try again in a moment.", {
    cause: error,
  });
}

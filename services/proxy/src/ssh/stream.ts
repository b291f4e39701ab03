import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { errorMessage, FleetError, STREAM_PROTOCOL } from "@fleet/base";
import type { StreamHeader } from "@fleet/tunnel";
import { createWebSocketStream, WebSocketServer } from "ws";
import { userAgentOf } from "../connections/log.js";
import { type Answer, acceptUpgrade, answerUpgrade, errorAnswer, jsonAnswer } from "../http/answer.js";
import { asksFor } from "../http/headers.js";
import { type SpliceEnd, splice } from "../http/splice.js";
import type { AgentGate, AgentStreamRequest } from "../tunnel/agent-gate.js";
import type { AgentStream, OpenAgentStream } from "./agent-streams.js";

/** Lower ports are reserved for the agent. */
const FIRST_PORT = 9;

/** Versions of the resumable stream protocol between client and agent; the proxy only relays it. */
const RESUMABLE_VERSION = /^\d{1,3}$/;

export type StreamEnd = SpliceEnd & { status: number; userId?: string; workspaceId?: string };

export type StreamRelayOptions = { gate: AgentGate; openStream: OpenAgentStream };

/**
 * Raw streams to an agent: `…/ssh` to its SSH server, `…/forward?target=host:port` to what the workspace can reach. By
 * `Upgrade: coder-stream/1`, which keeps half-close, or inside WebSocket binary messages. The proxy relays: SSH is
 * encrypted from end to end. `…/ssh?resumable=1` asks the agent for a stream that outlives this connection.
 */
export function createStreamRelay({ gate, openStream }: StreamRelayOptions) {
  const webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 1024 * 1024,
  });

  return async (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    asked: AgentStreamRequest,
  ): Promise<StreamEnd> => {
    socket.on("error", () => {});
    const refuse = (content: Answer, error?: Error): StreamEnd => {
      answerUpgrade(socket, content);
      return { status: content.status, bytesIn: 0, bytesOut: 0, error };
    };
    const webSocket = asksFor(request.headers.upgrade, "websocket");
    if (!webSocket && !asksFor(request.headers.upgrade, STREAM_PROTOCOL)) {
      return refuse(
        jsonAnswer(426, `Expected an upgrade to ${STREAM_PROTOCOL} or websocket.`, {
          Upgrade: STREAM_PROTOCOL,
        }),
      );
    }
    const gone = new AbortController();
    const onClose = () => gone.abort();
    socket.once("close", onClose);
    let opened: AgentStream | undefined;
    try {
      const header = headerOf(asked);
      const access = await gate(request, asked);
      const { userId, workspaceId } = access;
      const { agentId, address } = asked;
      const kind = asked.kind === "ssh" ? "ssh" : "forward";
      const cut = () => socket.destroy();
      const facts = { address, userAgent: userAgentOf(request) };
      opened = await openStream({ kind, agentId, header, access, ...facts, cut }, gone.signal);
      const { upstream } = opened;
      if (socket.destroyed) upstream.destroy();
      const client = webSocket ? await overWebSocket(request, socket, head) : switched(socket, head);
      const end = await splice(client, upstream);
      opened.end(end.error?.message);
      return { ...end, status: 101, userId, workspaceId };
    } catch (error) {
      opened?.end(errorMessage(error));
      return refuse(errorAnswer(error), error as Error);
    } finally {
      socket.off("close", onClose);
    }
  };

  function overWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      // ws answers a failed handshake itself; then the socket closes and no client is reported.
      socket.once("close", () => reject(new FleetError("canceled", "The client disconnected.")));
      webSockets.handleUpgrade(request, socket, head, (client) => resolve(createWebSocketStream(client)));
    });
  }
}

function switched(socket: Duplex, head: Buffer): Duplex {
  acceptUpgrade(socket, head, STREAM_PROTOCOL);
  return socket;
}

function headerOf({ kind, query }: AgentStreamRequest): StreamHeader {
  const resumable = query.get("resumable");
  if (kind === "ssh" && resumable !== null && RESUMABLE_VERSION.test(resumable)) {
    return { kind: "ssh", target: "", meta: { resumable } };
  }
  // The id lets the agent find the session that a notice is for.
  if (kind === "ssh") return { kind: "ssh", target: "", meta: { session: randomUUID() } };
  const target = query.get("target") ?? "";
  const match = /^(?:\[[0-9a-f:.]+\]|[\w.-]{1,253}):(\d{1,5})$/i.exec(target);
  const port = Number(match?.[1] ?? 0);
  if (!match || port > 65_535) {
    throw new FleetError("invalid_argument", "Missing forward target. Example: ?target=127.0.0.1:8080.");
  }
  if (port < FIRST_PORT) {
    throw new FleetError(
      "invalid_argument",
      `Ports below ${FIRST_PORT} are reserved for the agent. Use another port.`,
    );
  }
  const network = query.get("network") ?? "tcp";
  if (network !== "tcp" && network !== "udp") {
    throw new FleetError("invalid_argument", `"${network}" is not a valid network. Valid values: tcp, udp.`);
  }
  return { kind: network, target };
}

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "@fleet/base";
import { errorMessage, FleetError } from "@fleet/base";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { type ConnectionLog, type LoggedConnection, userAgentOf } from "../connections/log.js";
import { type Answer, answerUpgrade, errorAnswer, jsonAnswer } from "../http/answer.js";
import { asksFor } from "../http/headers.js";
import { LIMITS } from "../limits.js";
import type { StreamEnd } from "../ssh/stream.js";
import type { LiveStreams } from "../streams.js";
import type { AgentGate, AgentStreamRequest } from "../tunnel/agent-gate.js";
import type { AgentDialer } from "../tunnel/dial.js";
import { asksForHeartbeat, openingMessage, readClientMessage } from "./messages.js";

/** WebSocket close codes (RFC 6455 §7.4.1). */
const CLOSE = { normal: 1000, unsupported: 1003, agentGone: 1011 } as const;

export type TerminalOptions = {
  gate: AgentGate;
  dialer: AgentDialer;
  streams: LiveStreams;
  connectionLog: Pick<ConnectionLog, "begin">;
  clock: Clock;
};

/**
 * The web terminal: a WebSocket whose client sends `{data?, height?, width?}` and receives raw output in binary
 * messages. The shell runs in the agent: a client that reconnects with the same `reconnect` id gets the same shell.
 */
export function createTerminal({ gate, dialer, streams, connectionLog, clock }: TerminalOptions) {
  const webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: LIMITS.terminalMessageBytes,
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
    if (!asksFor(request.headers.upgrade, "websocket")) {
      return refuse(jsonAnswer(426, "This endpoint requires a WebSocket upgrade.", { Upgrade: "websocket" }));
    }
    const gone = new AbortController();
    const onClose = () => gone.abort();
    socket.once("close", onClose);
    let release = () => {};
    let connection: LoggedConnection | undefined;
    try {
      const opening = openingMessage(asked.query);
      const access = await gate(request, asked);
      const { userId, workspaceId } = access;
      const live = { ...access, kind: asked.kind, agentId: asked.agentId };
      const cut = (reason: string) => {
        connection?.end(reason);
        socket.destroy();
      };
      release = streams.add(live, cut);
      connection = connectionLog.begin({
        type: "reconnecting_pty",
        ...{ agentId: asked.agentId, workspaceId, userId, ip: asked.address },
        userAgent: userAgentOf(request),
        slugOrPort: "",
      });
      const meta = { connection: connection.id };
      const stream = await dialer.open(asked.agentId, { kind: "pty", target: "", meta }, gone.signal);
      stream.write(opening);
      const client = await handshake(request, socket, head, stream);
      if (asksForHeartbeat(asked.query)) sendHeartbeats(client, clock);
      const end = await join(client, stream, clock);
      connection.end(end.error?.message);
      return { ...end, status: 101, userId, workspaceId };
    } catch (error) {
      connection?.end(errorMessage(error));
      return refuse(errorAnswer(error), error as Error);
    } finally {
      socket.off("close", onClose);
      release();
    }
  };

  function handshake(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    stream: Duplex,
  ): Promise<WebSocket> {
    return new Promise((resolve, reject) => {
      socket.once("close", () => {
        stream.destroy();
        reject(new FleetError("canceled", "The client disconnected."));
      });
      webSockets.handleUpgrade(request, socket, head, resolve);
    });
  }
}

type Joined = Pick<StreamEnd, "bytesIn" | "bytesOut" | "error">;

function sendHeartbeats(client: WebSocket, clock: Clock): void {
  const timer = clock.every(LIMITS.terminalHeartbeatMs, () => {
    if (client.readyState === client.OPEN && client.bufferedAmount === 0)
      client.send(new Uint8Array(), { binary: true });
  });
  client.once("close", () => timer.cancel());
}

/** Relays keystrokes and output until either side ends. Both directions apply backpressure. */
function join(client: WebSocket, stream: Duplex, clock: Clock): Promise<Joined> {
  const end: Joined = { bytesIn: 0, bytesOut: 0, error: undefined };
  let alive = true;
  const ping = clock.every(LIMITS.terminalPingMs, () => {
    if (!alive) return client.terminate();
    alive = false;
    client.ping();
  });
  client.on("pong", () => {
    alive = true;
  });

  client.on("message", (raw: RawData) => {
    alive = true;
    const message = readClientMessage(raw);
    if (!message) return client.close(CLOSE.unsupported, 'A terminal takes JSON like {"data": "ls\\r"}.');
    end.bytesIn += message.length;
    if (stream.writable && !stream.write(message)) client.pause();
  });
  stream.on("drain", () => client.resume());

  stream.on("data", (chunk: Buffer) => {
    end.bytesOut += chunk.length;
    if (client.readyState !== client.OPEN) return;
    client.send(chunk, { binary: true }, () => {
      if (client.bufferedAmount < LIMITS.terminalBufferBytes) stream.resume();
    });
    if (client.bufferedAmount >= LIMITS.terminalBufferBytes) stream.pause();
  });
  stream.on("end", () => client.close(CLOSE.normal));
  stream.on("error", (error: Error) => {
    end.error ??= error;
    client.close(CLOSE.agentGone, closeReason(error));
  });
  stream.on("close", () => client.close(CLOSE.agentGone, "The workspace agent disconnected."));
  client.on("error", (error) => {
    end.error ??= error;
  });

  return new Promise((resolve) => {
    client.once("close", () => {
      ping.cancel();
      stream.destroy();
      resolve(end);
    });
    if (client.readyState === client.CLOSED) client.emit("close");
  });
}

/** Truncates to the 123 bytes that fit into a close frame. */
function closeReason(error: Error): string {
  return Buffer.from(errorMessage(error))
    .subarray(0, 120)
    .toString("utf8")
    .replace(/\uFFFD+$/, "");
}

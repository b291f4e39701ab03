import { request } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { FleetError } from "@fleet/base";
import { createTunnel, type PendingStream, type Tunnel, type TunnelStream } from "@fleet/tunnel";
import { createWebSocketStream, WebSocket } from "ws";
import { splice } from "../http/splice.js";

export type TestAgentOptions = {
  /** The proxy's `host:port`. */
  proxy: string;
  token: string;
  /** Answers the kinds beside `tcp`, which connects to the target. */
  serve?(stream: TunnelStream): void;
  webSocket?: boolean;
};

/** `drained` resolves with what the proxy said. */
export type TestAgent = { tunnel: Tunnel; drained: Promise<string>; [Symbol.dispose](): void };

/** Dials the proxy as an agent does. Rejects with the status and body of a refusal. */
export async function dialAsAgent(options: TestAgentOptions): Promise<TestAgent> {
  const transport = options.webSocket ? await webSocketTransport(options) : await rawTransport(options);
  const draining = Promise.withResolvers<string>();
  const tunnel = createTunnel(transport, {
    role: "client",
    onStream: (pending) => accept(pending, options),
    onDrain: draining.resolve,
  });
  return { tunnel, drained: draining.promise, [Symbol.dispose]: () => tunnel.close() };
}

function rawTransport({ proxy, token }: TestAgentOptions): Promise<Duplex> {
  const dialing = request(`http://${proxy}/api/v2/workspaceagents/me/tunnel`, {
    headers: { Connection: "Upgrade", Upgrade: "coder-tunnel/1", "Coder-Session-Token": token },
  });
  return new Promise((resolve, reject) => {
    dialing.on("error", reject);
    dialing.on("response", async (response) => {
      let body = "";
      for await (const chunk of response) body += chunk;
      reject(new Error(`${response.statusCode} ${body}`));
    });
    dialing.on("upgrade", (_response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    dialing.end();
  });
}

async function webSocketTransport({ proxy, token }: TestAgentOptions): Promise<Duplex> {
  const socket = new WebSocket(`ws://${proxy}/api/v2/workspaceagents/me/tunnel`, {
    headers: { "Coder-Session-Token": token },
  });
  const stream = createWebSocketStream(socket);
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return stream;
}

function accept(pending: PendingStream, options: TestAgentOptions): void {
  const { kind, target } = pending.header;
  if (kind !== "tcp") {
    if (options.serve) options.serve(pending.accept());
    else pending.refuse(new FleetError("unimplemented", `No ${kind} here.`));
    return;
  }
  const colon = target.lastIndexOf(":");
  const socket = connect({
    host: target.slice(0, colon),
    port: Number(target.slice(colon + 1)),
    allowHalfOpen: true,
    noDelay: true,
  });
  const refuse = () => pending.refuse(new FleetError("unavailable", `Nothing listens at ${target}.`));
  socket.once("error", refuse);
  socket.once("connect", () => {
    socket.off("error", refuse);
    const stream = pending.accept();
    // As the agent does: what breaks at the app's end is reset without a reason.
    socket.once("error", () => stream.destroy());
    void splice(stream, socket);
  });
}

import { createSocket, type RemoteInfo, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import type { Socket } from "node:net";
import { errorMessage, type Timer } from "@fleet/base";
import { createDatagramReader, frameDatagram } from "@fleet/tunnel/datagrams";
import type { Context } from "../../context.js";

/** After this long without a datagram in either direction, a flow ends, as in routers. */
const IDLE_MS = 5 * 60_000;
/** Flows of one port; datagrams of more are dropped. */
const FLOWS_LIMIT = 256;
/** Datagrams that wait for a flow's connection to the workspace. */
const WAITING_LIMIT = 64;

/** What one local program exchanges with the workspace's port. */
type Flow = { send(payload: Buffer): void; end(): void };

/**
 * Forwards datagrams that arrive at a local port, each sender's over a stream of its own, and answers to their sender.
 * Like a network, it drops what cannot be carried. A stream that ends is opened again for the next datagram.
 */
export async function forwardUdp(
  context: Context,
  local: { host: string; port: number },
  open: () => Promise<Socket>,
): Promise<void> {
  const isIpv6 = local.host.includes(":");
  const socket = createSocket({ type: isIpv6 ? "udp6" : "udp4", ipv6Only: isIpv6 });
  const flows = new Map<string, Flow>();
  let told = "";
  const tell = (message: string) => {
    if (message !== told && !context.signal.aborted) context.note(context.colors.yellow(message));
    told = message;
  };
  socket.on("message", (payload, from) => {
    const sender = `${from.address} ${from.port}`;
    let flow = flows.get(sender);
    if (!flow) {
      if (flows.size >= FLOWS_LIMIT) return tell(`UDP port ${local.port}: more than ${FLOWS_LIMIT} senders.`);
      flow = createFlow(context, { socket, from, open, tell }, () => void flows.delete(sender));
      flows.set(sender, flow);
    }
    flow.send(payload);
  });
  socket.bind(local.port, local.host);
  await once(socket, "listening");
  // Errors of a single answer: its sender is gone.
  socket.on("error", () => {});
  context.onClose(() => {
    for (const flow of flows.values()) flow.end();
    socket.close();
  });
}

type FlowOptions = {
  socket: UdpSocket;
  from: RemoteInfo;
  open(): Promise<Socket>;
  tell(message: string): void;
};

function createFlow(context: Context, { socket, from, open, tell }: FlowOptions, onEnd: () => void): Flow {
  const waiting: Buffer[] = [];
  let stream: Socket | undefined;
  let ended = false;
  let idle: Timer | undefined;

  function end(): void {
    if (ended) return;
    ended = true;
    idle?.cancel();
    stream?.destroy();
    onEnd();
  }

  function used(): void {
    idle?.cancel();
    idle = context.clock.after(IDLE_MS, end);
  }

  function carry(payload: Buffer): void {
    if (!stream!.writableNeedDrain) stream!.write(frameDatagram(payload));
  }

  const read = createDatagramReader((payload) => {
    used();
    socket.send(payload, from.port, from.address, () => {});
  });
  open().then(
    (opened) => {
      stream = opened;
      opened.on("error", () => {});
      opened.once("close", end);
      if (ended) return void opened.destroy();
      opened.on("data", read);
      for (const payload of waiting.splice(0)) carry(payload);
    },
    (error: unknown) => {
      tell(`UDP port ${socket.address().port}: ${errorMessage(error)}`);
      end();
    },
  );
  used();
  return {
    end,
    send(payload) {
      used();
      if (stream) carry(payload);
      else if (waiting.length < WAITING_LIMIT) waiting.push(payload);
    },
  };
}

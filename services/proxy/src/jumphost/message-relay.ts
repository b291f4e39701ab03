import type { Duplex } from "node:stream";
import { FleetError } from "@fleet/base";
import ssh2, { type Client, type Connection } from "ssh2";
import { LIMITS } from "../limits.js";
import { transportOf } from "./ssh2-internals.js";

/** One end of a relay: the SSH connection, and the stream that carries it. */
type End = { connection: Connection | Client; stream: Duplex };

/**
 * Connects to the agent's SSH server as the client's next hop. The tunnel has authenticated the agent, and the agent the
 * deployment; the host key is checked in addition where the agent has reported one. Rejects if there is no handshake.
 */
export async function connectToAgent(
  stream: Duplex,
  { hostKey, software }: { hostKey: string; software: string },
): Promise<Client> {
  const client = new ssh2.Client();
  const expected = hostKey === "" ? undefined : Buffer.from(hostKey.split(" ")[1] ?? "", "base64");
  await new Promise<void>((resolve, reject) => {
    const fail = (error?: Error) =>
      reject(
        new FleetError("unavailable", "The SSH handshake with the workspace agent failed.", { cause: error }),
      );
    client
      .once("ready", resolve)
      .once("error", fail)
      .once("close", () => fail());
    client.connect({
      sock: stream as never,
      username: "coder",
      ident: software,
      hostVerifier: (key: Buffer) => expected === undefined || key.equals(expected),
      readyTimeout: LIMITS.sshAgentHandshakeMs,
    });
  });
  client.on("error", () => {});
  return client;
}

/**
 * Passes the messages of the SSH connection protocol (RFC 4254) between two transports as they are: channels, windows and
 * requests are those of the client and the agent, and the proxy knows none of them. A slow side stops the other.
 */
export function relayMessages(one: End, other: End): void {
  pass(one, other);
  pass(other, one);
}

function pass(from: End, to: End): void {
  const target = transportOf(to.connection);
  let waits = false;
  transportOf(from.connection).onConnectionMessage = (payload) => {
    if (!to.stream.writable) return;
    target.sendMessage(payload);
    if (waits || !to.stream.writableNeedDrain) return;
    waits = true;
    from.stream.pause();
    to.stream.once("drain", () => {
      waits = false;
      from.stream.resume();
    });
  };
}

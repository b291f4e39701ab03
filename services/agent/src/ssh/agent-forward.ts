import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { nullLogger, surviveRefusedConnections } from "@fleet/base";
import { createPrivateFolder } from "@fleet/base/private-folder";
import type { Connection, ServerChannel } from "ssh2";
import { joinChannel } from "./channel.js";

const WINDOW_BYTES = 2 * 1024 * 1024;
const PACKET_BYTES = 32 * 1024;
/** Socket paths are limited to 108 bytes on Linux and 104 on macOS; this leaves room for `/agent.sock`. */
const MAX_FOLDER_BYTES = 90;
/** Maximum number of concurrent connections to the user's agent. */
const MAX_CONNECTIONS = 32;

type OpenReply = ((error: Error | undefined, channel: ServerChannel) => void) & { type?: string };

/** ssh2's server supports agent forwarding, but its types have no method for it. */
type Internals = {
  _chanMgr: { add(reply: OpenReply): number };
  _protocol: { openssh_authAgent(id: number, window: number, packet: number): void };
};

/** Creates a socket that forwards to the client's SSH agent. Resolves to its path, for SSH_AUTH_SOCK. */
export async function forwardSshAgent(client: Connection): Promise<string> {
  const { _chanMgr, _protocol } = client as unknown as Internals;
  const folder = createPrivateFolder("coder-ssh-agent-", { maxPathBytes: MAX_FOLDER_BYTES });
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    socket.on("error", () => {});
    const reply: OpenReply = (error, channel) => {
      if (error) socket.destroy();
      else joinChannel(channel, socket);
    };
    reply.type = "auth-agent@openssh.com";
    const id = _chanMgr.add(reply);
    if (id === -1) socket.destroy();
    else _protocol.openssh_authAgent(id, WINDOW_BYTES, PACKET_BYTES);
  });
  server.maxConnections = MAX_CONNECTIONS;
  client.once("close", () => {
    server.close();
    rm(folder, { recursive: true, force: true }).catch(() => {});
  });
  server.listen(join(folder, "agent.sock"));
  await once(server, "listening");
  surviveRefusedConnections(server, nullLogger);
  return join(folder, "agent.sock");
}

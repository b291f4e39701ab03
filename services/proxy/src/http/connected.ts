import type { ClientRequest } from "node:http";
import type { Duplex } from "node:stream";

/** The properties of net.Socket and TLSSocket that show a pending connection; a tunnel's stream has neither. */
type Connecting = Duplex & { connecting?: boolean; encrypted?: boolean; secureConnecting?: boolean };

/** Calls back once the request has a connection, so that data may have been sent. */
export function onceConnected(request: ClientRequest, callback: () => void): void {
  const onSocket = (socket: Connecting) => {
    if (request.reusedSocket) callback();
    else if (socket.encrypted) socket.once("secureConnect", callback);
    else if (socket.connecting) socket.once("connect", callback);
    else callback();
  };
  if (request.socket) onSocket(request.socket);
  else request.once("socket", onSocket);
}

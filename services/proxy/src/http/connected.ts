import type { ClientRequest } from "node:http";
import type { Duplex } from "node:stream";

/** What of a net.Socket or TLSSocket tells that it is not connected yet; a stream of a tunnel has neither. */
type Connecting = Duplex & { connecting?: boolean; encrypted?: boolean; secureConnecting?: boolean };

/** Calls back once the request has a connection, over which something may have been sent. */
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

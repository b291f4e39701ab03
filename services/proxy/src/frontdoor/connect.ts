import { Agent, type AgentOptions } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { LIMITS } from "../limits.js";

/** HTTP agents for coderd: one with pooled connections, one with a connection per request. */
export function createAgents(secure: boolean): { kept: Agent; fresh: Agent; close(): void } {
  const create = (options: AgentOptions) => impatient(new (secure ? HttpsAgent : Agent)(options));
  const kept = create({
    keepAlive: true,
    maxSockets: LIMITS.frontDoorConnections,
    maxFreeSockets: LIMITS.frontDoorIdleConnections,
    // Closes idle connections before coderd does; on active ones, node:http only emits an event.
    timeout: LIMITS.idleConnectionMs,
  });
  const fresh = create({ keepAlive: false, maxSockets: LIMITS.frontDoorConnections });
  return {
    kept,
    fresh,
    close() {
      kept.destroy();
      fresh.destroy();
    },
  };
}

type CreateConnection = (options: object, callback?: (error: Error | null, socket: Duplex) => void) => Duplex;

/** A replica that vanished does not answer the SYN; by then another one may. */
function impatient<T extends Agent>(agent: T): T {
  const table = agent as unknown as { createConnection: CreateConnection };
  const connect = table.createConnection.bind(agent);
  table.createConnection = (options, callback) => {
    const socket = connect(options, callback) as Socket;
    const timer = setTimeout(() => {
      const error = new Error(`connection timed out after ${LIMITS.coderdConnectMs} ms`);
      socket.destroy(Object.assign(error, { code: "ETIMEDOUT" }));
    }, LIMITS.coderdConnectMs);
    for (const event of [connectEvent(socket), "close"]) socket.once(event, () => clearTimeout(timer));
    return socket;
  };
  return agent;
}

function connectEvent(socket: Socket): "connect" | "secureConnect" {
  return (socket as TLSSocket).encrypted ? "secureConnect" : "connect";
}

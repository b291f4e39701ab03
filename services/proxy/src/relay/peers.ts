import { request } from "node:http";
import { abortable, FleetError, type Logger } from "@fleet/base";
import { createTunnel, type StreamHeader, type Tunnel, type TunnelStream } from "@fleet/tunnel";
import { LIMITS } from "../limits.js";
import type { SettingsStore } from "../session/settings.js";
import {
  isAgentNotHere,
  RELAY_AGENT,
  RELAY_LIMITS,
  RELAY_PROTOCOL,
  RELAY_REPLICA_HEADER,
  RELAY_TOKEN_HEADER,
} from "./protocol.js";
import type { Route } from "./routes.js";

/** The route failed: the replica is unavailable or no longer holds the agent. Another route may work. */
export class RouteFailed extends FleetError {
  constructor(cause: unknown) {
    super("unavailable", "Cannot reach the replica that the agent is connected to.", { cause });
  }
}

/** Tunnels to other replicas, one for each replica in use. */
export type PeerReplicas = {
  /** Opens a stream to an agent through the replica that holds it. Rejects with the agent's error, or RouteFailed. */
  open(route: Route, agentId: string, header: StreamHeader, signal?: AbortSignal): Promise<TunnelStream>;
  close(): void;
};

export function createPeerReplicas(options: { settings: SettingsStore; log: Logger }): PeerReplicas {
  const { settings, log } = options;
  const tunnels = new Map<string, Promise<Tunnel>>();
  const closed = new WeakSet<Tunnel>();

  function tunnelTo(route: Route): Promise<Tunnel> {
    const key = `${route.replicaId} ${route.relayAddress}`;
    const known = tunnels.get(key);
    if (known !== undefined) return known;
    const dialing = dial(route, settings.required().relayToken);
    tunnels.set(key, dialing);
    const forget = () => {
      if (tunnels.get(key) === dialing) tunnels.delete(key);
    };
    dialing.then((tunnel) => {
      log.info("Connected to another replica.", { replicaId: route.replicaId, address: route.relayAddress });
      void tunnel.closed.then(() => {
        closed.add(tunnel);
        forget();
      });
    }, forget);
    return dialing;
  }

  return {
    async open(route, agentId, header, signal) {
      const tunnel = await abortable(tunnelTo(route), signal);
      const relayed = { ...header, meta: { ...header.meta, [RELAY_AGENT]: agentId } };
      try {
        return await tunnel.open(relayed, { signal });
      } catch (error) {
        throw isAgentNotHere(error) || tunnel.draining || closed.has(tunnel) ? new RouteFailed(error) : error;
      }
    },
    close() {
      for (const dialing of tunnels.values()) {
        dialing.then(
          (tunnel) => tunnel.close("The replica is shutting down."),
          () => {},
        );
      }
      tunnels.clear();
    },
  };
}

function dial(route: Route, relayToken: string): Promise<Tunnel> {
  return new Promise((resolve, reject) => {
    const unreachable = (cause: unknown) => reject(new RouteFailed(cause));
    const colon = route.relayAddress.lastIndexOf(":");
    const dialing = request({
      host: route.relayAddress.slice(0, colon).replace(/^\[|\]$/g, ""),
      port: Number(route.relayAddress.slice(colon + 1)),
      path: "/",
      agent: false,
      timeout: LIMITS.peerConnectTimeoutMs,
      headers: {
        Connection: "Upgrade",
        Upgrade: RELAY_PROTOCOL,
        [RELAY_TOKEN_HEADER]: relayToken,
        [RELAY_REPLICA_HEADER]: route.replicaId,
      },
    });
    dialing.on("timeout", () => dialing.destroy(new Error("Timed out waiting for the other replica.")));
    dialing.on("error", unreachable);
    dialing.on("response", (response) => {
      response.resume();
      unreachable(new Error(`The other replica responded with status ${response.statusCode}.`));
    });
    dialing.on("upgrade", (_response, socket, head) => {
      socket.setTimeout(0);
      socket.setNoDelay(true);
      if (head.length > 0) socket.unshift(head);
      resolve(createTunnel(socket, { role: "client", limits: RELAY_LIMITS }));
    });
    dialing.end();
  });
}

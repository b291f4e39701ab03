import type { Duplex } from "node:stream";
import { dialTunnel } from "@fleet/agentsdk";
import type { Clock, Logger } from "@fleet/base";
import { createTunnel } from "@fleet/tunnel";
import type { ResumableServer } from "@fleet/tunnel/resumable";
import type { AgentConfig } from "../config.js";
import type { TerminalSessions } from "../pty/sessions.js";
import type { SshServer } from "../ssh/server.js";
import type { Counters, SessionCarrier, SessionKind, StartedSession } from "../stats/counters.js";
import { createStreamServer } from "./streams.js";

/** Dials one tunnel and serves its streams. Resolves when the tunnel has ended or drains, so that the next one can be dialed. */
export type TunnelSessions = (signal: AbortSignal) => Promise<void>;

export type TunnelSessionsOptions = {
  accessUrl: AgentConfig["accessUrl"];
  /** The agent's token, as it is when the tunnel is dialed. */
  token(): string;
  /** Called once there is a manifest. */
  ssh(): SshServer;
  resumable(): ResumableServer;
  terminals: TerminalSessions;
  /** Called when a session starts. */
  onSession(type: SessionKind, carrier: SessionCarrier): StartedSession;
  counters: Counters;
  clock: Clock;
  logger: Logger;
};

export function createTunnelSessions(options: TunnelSessionsOptions): TunnelSessions {
  const { accessUrl, token, ssh, resumable, terminals, onSession, counters, clock, logger } = options;
  const namedSsh = new Map<string, Duplex>();
  /** Serves the streams of one tunnel, and can notify SSH sessions that end with it. */
  function createTunnelStreams() {
    const plainSsh = new Set<Duplex>();
    const serve = createStreamServer({
      ssh(stream, session, connection) {
        plainSsh.add(stream);
        namedSsh.set(session, stream);
        stream.once("close", () => {
          plainSsh.delete(stream);
          namedSsh.delete(session);
        });
        ssh().accept(stream, connection);
      },
      notice(session, line) {
        const stream = namedSsh.get(session);
        if (stream) ssh().tell(stream, line);
      },
      resumableSsh: (stream, connection) => resumable().accept(stream, connection),
      pty(stream, connection) {
        const carrier = { isPresent: () => true, connection: () => connection };
        const { end, input } = onSession("reconnecting_pty", carrier);
        stream.once("close", () => end());
        terminals.attach(stream, input);
      },
      counters,
      clock,
    });
    const tell = (line: string) => {
      for (const stream of plainSsh) ssh().tell(stream, line);
    };
    return { serve, tell };
  }

  /** It ends early if the proxy drains: another one is dialed while this one's streams continue. */
  return async (signal) => {
    const transport = await dialTunnel({ accessUrl, token: token(), signal });
    const drained = Promise.withResolvers<void>();
    const streams = createTunnelStreams();
    const tunnel = createTunnel(transport, {
      role: "client",
      clock,
      onStream: streams.serve,
      onDrain(message) {
        if (message) streams.tell(message);
        drained.resolve();
      },
    });
    const onAbort = () => tunnel.close("The agent is shutting down.");
    signal.addEventListener("abort", onAbort, { once: true });
    const release = counters.carry(tunnel);
    logger.info("Tunnel connected.");
    const closed = tunnel.closed.then((reason) => {
      release();
      signal.removeEventListener("abort", onAbort);
      logger.info("Tunnel closed.", { reason: reason.message });
    });
    await Promise.race([closed, drained.promise]);
  };
}

import type { StreamHeader, TunnelStream } from "@fleet/tunnel";
import type { ConnectionLog, LoggedConnection } from "../connections/log.js";
import type { LiveStreams } from "../streams.js";
import type { AgentAccess } from "../tunnel/agent-gate.js";
import type { AgentDialer } from "../tunnel/dial.js";

export type AskedStream = {
  kind: "ssh" | "forward";
  agentId: string;
  header: StreamHeader;
  access: AgentAccess;
  /** The client's IP address, and its program as it names itself. */
  address: string;
  userAgent: string;
  /** Closes the client's side: access has ended, or the proxy shuts down. */
  cut(reason: string): void;
};

export type AgentStream = {
  upstream: TunnelStream;
  /** Records the end, with the reason if it did not end in order. */
  end(reason?: string): void;
};

/**
 * Opens an authorized stream to an agent. From then on it counts as the user's, is in the connection log, and is cut when
 * its grant ends. Rejects with the error for the client.
 */
export type OpenAgentStream = (asked: AskedStream, signal: AbortSignal) => Promise<AgentStream>;

export function createAgentStreams({
  dialer,
  streams,
  connectionLog,
}: {
  dialer: AgentDialer;
  streams: LiveStreams;
  connectionLog: Pick<ConnectionLog, "begin">;
}): OpenAgentStream {
  return async ({ kind, agentId, header, access, address, userAgent, cut }, signal) => {
    const { userId, workspaceId } = access;
    const tell = (line: string) => {
      const notice: StreamHeader = { kind: "notice", target: header.meta?.session ?? "", meta: { line } };
      dialer.open(agentId, notice).then(
        (stream) => stream.end(),
        () => {},
      );
    };
    const resumable = header.meta?.resumable !== undefined;
    let connection: LoggedConnection | undefined;
    const release = streams.add({ ...access, kind, agentId, resumable, tell }, (reason) => {
      connection?.end(reason);
      cut(reason);
    });
    connection = connectionLog.begin({
      type: kind === "ssh" ? "ssh" : "port_forwarding",
      ...{ agentId, workspaceId, userId, ip: address, userAgent },
      slugOrPort: header.target,
    });
    const end = (reason?: string) => {
      release();
      connection?.end(reason);
    };
    try {
      const meta = { ...header.meta, connection: connection.id };
      return { upstream: await dialer.open(agentId, { ...header, meta }, signal), end };
    } catch (error) {
      end(error instanceof Error ? error.message : String(error));
      throw error;
    }
  };
}

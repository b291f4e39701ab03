import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import { type Clock, errorMessage, FleetError, isFleetError, type Logger } from "@fleet/base";
import type { SshIdentity } from "@fleet/proto-gen/proxy";
import type { StreamHeader } from "@fleet/tunnel";
import type {
  AcceptConnection,
  Client as AgentClient,
  Connection,
  RejectConnection,
  ServerChannel,
  TcpipRequestInfo,
} from "ssh2";
import { splice } from "../http/splice.js";
import { LIMITS } from "../limits.js";
import type { Coderd } from "../session/coderd.js";
import type { StreamGrants } from "../session/grants.js";
import type { AgentStream, OpenAgentStream } from "../ssh/agent-streams.js";
import type { Traffic } from "../traffic.js";
import type { SshLogin } from "./authentication.js";
import { connectToAgent, relayMessages } from "./message-relay.js";
import { disconnect, refuseChannel } from "./ssh2-internals.js";

/** The port that clients ask for: SSH's own. */
const SSH_PORT = 22;

export type ClientOptions = {
  coderd: Pick<Coderd, "authorizeSsh">;
  grants: Pick<StreamGrants, "now">;
  openStream: OpenAgentStream;
  traffic: Traffic;
  clock: Clock;
  log: Logger;
  /** The client's IP address and software. */
  address: string;
  software: string;
  /** Aborts when the client has left. */
  signal: AbortSignal;
  /** `host` or `[host]:port` as users enter it, for messages. */
  self: { host: string; port: number };
};

/** A client that has signed in. */
export type SshClient = {
  /** Opens the connection to a workspace that the client's sessions lead to. If it fails, sessions show the reason. */
  leadTo(host: string): Promise<void>;
  /** Serves the client's channels. */
  serve(): void;
};

/** Serves one client: jumps to workspaces (`ssh -J`), and sessions in the workspace that it has signed in to. */
export function createSshClient(
  connection: Connection,
  socket: Socket,
  identity: SshIdentity,
  login: SshLogin,
  options: ClientOptions,
): SshClient {
  const { coderd, grants, openStream, traffic, address, software, signal } = options;
  const { userId } = identity;
  let streams = 0;
  let refusal = greetingOf(login, options.self);
  let idle = options.clock.after(LIMITS.sshIdleMs, leaveIdle);

  function leaveIdle(): void {
    if (streams === 0 && !signal.aborted) disconnect(connection, "The connection was not used.");
  }

  /** Opens a stream to the SSH server behind the host name; rejects with the reason for the client. */
  async function open(host: string): Promise<AgentStream & { workspaceId: string; hostKey: string }> {
    if (streams >= LIMITS.sshStreamsPerClient) {
      throw new FleetError(
        "resource_exhausted",
        "This SSH connection has too many connections to workspaces.",
      );
    }
    streams += 1;
    idle.cancel();
    const release = () => {
      streams -= 1;
      if (streams === 0 && !signal.aborted) idle = options.clock.after(LIMITS.sshIdleMs, leaveIdle);
    };
    try {
      const decidedAtMs = grants.now();
      const { agentId, workspaceId, grant, hostKey } = await coderd.authorizeSsh({ identity, host });
      const access = { workspaceId, userId, grant, decidedAtMs };
      // The id lets the agent find the session that a notice is for.
      const header: StreamHeader = { kind: "ssh", target: "", meta: { session: randomUUID() } };
      const cut = (reason: string) => disconnect(connection, reason);
      const asked = { kind: "ssh" as const, agentId, header, access, address, userAgent: software, cut };
      const { upstream, end } = await openStream(asked, signal);
      if (signal.aborted) upstream.destroy();
      const ended = (reason?: string) => {
        release();
        end(reason);
      };
      return { upstream, workspaceId, hostKey, end: ended };
    } catch (error) {
      release();
      throw error;
    }
  }

  function observe(
    host: string,
    work: () => Promise<{
      bytesIn?: number;
      bytesOut?: number;
      error?: Error | undefined;
      workspaceId: string;
    }>,
  ) {
    const facts = { address, host, requestId: randomUUID() };
    // As an upgrade: it lasts, and shutdown does not wait for it as for a request.
    const request = { method: "SSH", url: "", headers: { upgrade: "ssh" } };
    return traffic
      .observe("ssh", request, facts, async () => {
        try {
          const { error, ...end } = await work();
          return { status: 101, userId, ...end, ...(error && { error }) };
        } catch (error) {
          return { status: isFleetError(error, "not_found") ? 404 : 502, userId, error: error as Error };
        }
      })
      .catch(() => {});
  }

  async function jump(
    accept: AcceptConnection<ServerChannel>,
    reject: RejectConnection,
    info: TcpipRequestInfo,
  ): Promise<void> {
    if (info.destPort !== SSH_PORT) {
      return refuseChannel(
        reject,
        `Only port 22 of a workspace, its SSH server, can be reached through this host. Forward other ports with ssh -L through the workspace.`,
      );
    }
    await observe(info.destIP, async () => {
      const opened = await open(info.destIP).catch((error: unknown) => {
        refuseChannel(reject, sentenceOf(error));
        throw error;
      });
      const channel = accept();
      channel.on("error", () => {});
      const end = await splice(channel, opened.upstream);
      opened.end(end.error?.message);
      return { ...end, workspaceId: opened.workspaceId };
    });
  }

  function serve(): void {
    connection.on("tcpip", (accept, reject, info) => void jump(accept, reject, info));
    connection.on("session", (accept) => {
      const session = accept();
      const answer = (channel: ServerChannel) => {
        channel.on("error", () => {});
        channel.stderr.write(`${refusal}\r\n`);
        channel.exit(1);
        channel.end();
      };
      session.on("pty", (accepted) => accepted?.());
      session.on("env", (accepted) => accepted?.());
      session.on("shell", (accepted) => answer(accepted()));
      session.on("exec", (accepted) => answer(accepted()));
    });
  }

  async function leadTo(host: string): Promise<void> {
    const opened = await open(host).catch((error: unknown) => {
      refusal = sentenceOf(error);
      options.log.info("An SSH client could not be connected to its workspace.", {
        address,
        host,
        userId,
        reason: errorMessage(error),
      });
      return undefined;
    });
    if (!opened) return;
    const { upstream, workspaceId, hostKey, end } = opened;
    let agent: AgentClient;
    try {
      agent = await connectToAgent(upstream, { hostKey, software });
    } catch (error) {
      upstream.destroy();
      end(errorMessage(error));
      refusal = sentenceOf(error);
      return;
    }
    void observe(host, async () => {
      const counted = countBytes(socket);
      relayMessages({ connection, stream: socket }, { connection: agent, stream: upstream });
      const reason = await endOf(connection, agent);
      end(reason);
      agent.end();
      upstream.destroy();
      return { ...counted(), workspaceId };
    });
  }

  signal.addEventListener("abort", () => idle.cancel(), { once: true });
  return { serve, leadTo };

  /** Resolves when either side has left; the client is told why the agent did. */
  function endOf(client: Connection, agent: AgentClient): Promise<string | undefined> {
    return new Promise((resolve) => {
      let reason = "The connection to the workspace was closed.";
      agent.on("error", (error) => {
        reason = errorMessage(error);
      });
      agent.on("close", () => {
        disconnect(client, reason);
        resolve(reason);
      });
      if (signal.aborted) resolve(undefined);
      else signal.addEventListener("abort", () => resolve(undefined), { once: true });
    });
  }
}

function countBytes(socket: Socket): () => { bytesIn: number; bytesOut: number } {
  const [read, written] = [socket.bytesRead, socket.bytesWritten];
  return () => ({ bytesIn: socket.bytesRead - read, bytesOut: socket.bytesWritten - written });
}

function sentenceOf(error: unknown): string {
  if (isFleetError(error, "internal")) return "The workspace cannot be reached because of an internal error.";
  return errorMessage(error);
}

function greetingOf({ user }: SshLogin, { host, port }: { host: string; port: number }): string {
  const jump = port === SSH_PORT ? `${user}@${host}` : `${user}@${host}:${port}`;
  const direct = port === SSH_PORT ? host : `-p ${port} ${host}`;
  return `You are signed in as ${user}. This host has no shell of its own. Connect to a workspace with:\r\n\r\n  ssh -J ${jump} WORKSPACE\r\n  ssh -l WORKSPACE.${user} ${direct}\r\n`;
}

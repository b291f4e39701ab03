import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { errorMessage, FleetError } from "@fleet/base";
import { parseWorkspaceName } from "@fleet/sdk/browser";
import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { joinStreams } from "../../net/remote-forward.js";
import { openForwardStream } from "../../net/stream.js";
import { listOf } from "../../ui/list-option.js";
import { reachAgent } from "../../workspace/agent.js";
import { chooseAgent, findWorkspace } from "../../workspace/find.js";
import { type AgentFollower, followAgent } from "./agent-follower.js";
import { type PortForward, parsePortForwards } from "./forward-spec.js";
import { forwardUdp } from "./udp-forward.js";

type Options = { tcp?: string[]; udp?: string[]; disableAutostart?: boolean };

type Forward = PortForward & { network: "tcp" | "udp" };

/** Default listen addresses: browsers and tools use either for `localhost`. */
const LOOPBACK = ["127.0.0.1", "::1"];

export function portForwardCommand(context: Context): Command {
  return new Command("port-forward")
    .alias("tunnel")
    .summary("Forward local ports to a workspace")
    .description("Forward local ports to ports of a workspace. Runs until Ctrl-C.")
    .argument("<workspace>", "[owner/]workspace[.agent]")
    .addOption(
      new Option(
        "-p, --tcp <ports>",
        "TCP ports, as [address:]local[:remote]; lists and ranges allowed, such as 8080,9000-9005:3000-3005 (repeatable)",
      )
        .env("CODER_PORT_FORWARD_TCP")
        .argParser(listOf()),
    )
    .addOption(
      new Option("--udp <ports>", "UDP ports, in the same form (repeatable)")
        .env("CODER_PORT_FORWARD_UDP")
        .argParser(listOf()),
    )
    .addOption(
      new Option("--disable-autostart", "Do not start a stopped workspace").env(
        "CODER_SSH_DISABLE_AUTOSTART",
      ),
    )
    .action((name: string, options: Options) => portForward(context, name, options));
}

/** What could be forwarded, for somebody who does not know the ports. Empty if the workspace does not say. */
async function listeningHint(context: Context, name: string): Promise<string> {
  try {
    const { client } = await context.session();
    const agent = chooseAgent(await findWorkspace(client, name), parseWorkspaceName(name).agent);
    const { ports } = await client.agentListeningPorts({ params: { agent: agent.id } });
    const list = ports.map(({ port, process_name }) =>
      process_name ? `${port} (${process_name})` : `${port}`,
    );
    return list.length > 0 ? `. The workspace listens on: ${list.join(", ")}` : "";
  } catch {
    return "";
  }
}

async function portForward(context: Context, name: string, options: Options): Promise<void> {
  const forwards = (["tcp", "udp"] as const).flatMap((network) =>
    parsePortForwards(options[network] ?? []).map((forward): Forward => ({ ...forward, network })),
  );
  if (forwards.length === 0) {
    throw new FleetError(
      "invalid_argument",
      `No ports specified. Example: --tcp 8080, or --tcp 8080:80${await listeningHint(context, name)}`,
    );
  }
  const { workspace, agent } = await reachAgent(context, name, {
    autostart: !options.disableAutostart,
    reason: "ssh_connection",
    wait: "no",
  });
  const follower = followAgent((await context.session()).client, workspace.id, agent);
  const failures: FleetError[] = [];
  for (const forward of forwards) {
    try {
      await listen(context, follower, forward);
    } catch (error) {
      failures.push(error as FleetError);
    }
  }
  if (failures.length === forwards.length) throw failures[0];
  for (const { message } of failures) context.note(context.colors.yellow(message));
  context.note("Ready. Press Ctrl-C to stop.");
  if (!context.signal.aborted) await once(context.signal, "abort");
}

/** Throws if none of the addresses can be listened on. */
async function listen(context: Context, follower: AgentFollower, forward: Forward): Promise<void> {
  const { localHost, localPort, remotePort, network } = forward;
  const bound: string[] = [];
  const failures: NodeJS.ErrnoException[] = [];
  for (const host of localHost ? [localHost] : LOOPBACK) {
    try {
      await bind(context, follower, host, forward);
      bound.push(host.includes(":") ? `[${host}]:${localPort}` : `${host}:${localPort}`);
    } catch (error) {
      failures.push(error as NodeJS.ErrnoException);
    }
  }
  // A machine without IPv6 has only one of the two addresses, but a port that is in use on one address is an error.
  const [failure] = failures.filter(({ code }) => bound.length === 0 || !isMissingAddress(code));
  if (failure) {
    const message = `Cannot listen on port ${localPort} of ${localHost ?? "localhost"}: ${reasonOf(failure)}. Choose another local port: --${network} ${localPort + 1}:${remotePort}`;
    if (bound.length === 0) throw new FleetError("conflict", message, { cause: failure });
    context.note(context.colors.yellow(`${message} (still forwarding ${bound.join(", ")})`));
  }
  context.note(
    `Forwarding ${bound.join(" and ")} to ${network === "udp" ? "UDP " : ""}port ${remotePort} of the workspace.`,
  );
}

function isMissingAddress(code: string | undefined): boolean {
  return code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT";
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === "EADDRINUSE") return "it is already in use";
  if (error.code === "EACCES") return "permission denied; ports below 1024 may need elevated privileges";
  return errorMessage(error);
}

async function bind(
  context: Context,
  follower: AgentFollower,
  host: string,
  { network, localPort, remotePort }: Forward,
): Promise<void> {
  if (network === "tcp") {
    await serveTcp(context, host, localPort, (local) => void join(context, follower, remotePort, local));
    return;
  }
  const session = await context.session();
  await forwardUdp(context, { host, port: localPort }, () =>
    follower.reach((agent) =>
      openForwardStream(
        session,
        agent,
        { target: `localhost:${remotePort}`, network: "udp" },
        context.signal,
      ),
    ),
  );
}

async function serveTcp(
  context: Context,
  host: string,
  port: number,
  onConnection: (local: Socket) => void,
): Promise<Server> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (local) => {
    sockets.add(local);
    local.once("close", () => sockets.delete(local));
    onConnection(local);
  });
  server.listen({ port, host, ipv6Only: host === "::1" });
  await once(server, "listening");
  context.onClose(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return server;
}

/** Forwards one connection to the workspace's port. An error ends that connection, and is reported. */
async function join(context: Context, follower: AgentFollower, port: number, local: Socket): Promise<void> {
  local.on("error", () => local.destroy());
  local.setNoDelay(true);
  try {
    const session = await context.session();
    const remote = await follower.reach((agent) =>
      openForwardStream(session, agent, { target: `localhost:${port}` }, context.signal),
    );
    joinStreams(local, remote);
  } catch (error) {
    local.destroy();
    if (!context.signal.aborted) context.note(context.colors.yellow(`Port ${port}: ${errorMessage(error)}`));
  }
}

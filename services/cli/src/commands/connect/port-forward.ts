import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { errorMessage, FleetError } from "@fleet/base";
import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { openForwardStream } from "../../net/stream.js";
import { reachAgent } from "../../workspace/agent.js";
import { type PortForward, parsePortForwards } from "./forward-spec.js";

type Options = { tcp?: string[]; udp?: string[]; disableAutostart?: boolean };

function list(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

export function portForwardCommand(context: Context): Command {
  return new Command("port-forward")
    .alias("tunnel")
    .description("Make ports of a workspace reachable on this machine, until Ctrl-C")
    .argument("<workspace>", "[owner/]workspace[.agent]")
    .addOption(
      new Option("-p, --tcp <ports>", "[address:]local[:remote], ranges and commas allowed; repeatable")
        .env("CODER_PORT_FORWARD_TCP")
        .argParser(list),
    )
    .addOption(new Option("--udp <ports>").env("CODER_PORT_FORWARD_UDP").argParser(list).hideHelp())
    .addOption(
      new Option("--disable-autostart", "do not start a workspace that is stopped").env(
        "CODER_SSH_DISABLE_AUTOSTART",
      ),
    )
    .action((name: string, options: Options) => portForward(context, name, options));
}

async function portForward(context: Context, name: string, options: Options): Promise<void> {
  if (options.udp) {
    throw new FleetError("unimplemented", "UDP ports cannot be forwarded yet. Forward TCP ports with --tcp.");
  }
  const given = options.tcp ?? [];
  const forwards = parsePortForwards(typeof given === "string" ? [given] : given);
  if (forwards.length === 0)
    throw new FleetError("invalid_argument", "Say which ports: --tcp 8080, or --tcp 8080:80.");
  const { agent } = await reachAgent(context, name, {
    autostart: !options.disableAutostart,
    reason: "ssh_connection",
    wait: "no",
  });
  for (const forward of forwards) await listen(context, agent.id, forward);
  context.note("Ready. Ctrl-C ends it.");
  if (!context.signal.aborted) await once(context.signal, "abort");
}

async function listen(context: Context, agent: string, forward: PortForward): Promise<void> {
  const { localHost, localPort, remotePort } = forward;
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (local) => {
    sockets.add(local);
    local.once("close", () => sockets.delete(local));
    void join(context, agent, remotePort, local);
  });
  server.listen(localPort, localHost);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new FleetError(
      "conflict",
      `Port ${localPort} of ${localHost} cannot be listened on: ${errorMessage(cause)}. Choose another, like --tcp ${localPort + 1}:${remotePort}.`,
      { cause },
    );
  }
  context.onClose(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  context.note(`Forwarding ${localHost}:${localPort} to port ${remotePort} of the workspace.`);
}

/** Joins one connection to the workspace's port. A refusal ends that connection, and is told. */
async function join(context: Context, agent: string, port: number, local: Socket): Promise<void> {
  local.on("error", () => local.destroy());
  local.setNoDelay(true);
  try {
    const session = await context.session();
    const remote = await openForwardStream(session, agent, `localhost:${port}`, context.signal);
    remote.on("error", () => local.destroy());
    local.on("close", () => remote.destroy());
    remote.on("close", () => local.destroy());
    local.pipe(remote).pipe(local);
  } catch (error) {
    local.destroy();
    context.note(context.colors.yellow(`Port ${port}: ${errorMessage(error)}`));
  }
}

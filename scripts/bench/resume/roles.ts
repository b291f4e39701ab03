import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createTunnel } from "@fleet/tunnel";
import { createResumableServer, openResumable } from "@fleet/tunnel/resumable";
import { type Ports, runRole } from "../tunnel/roles.js";

/**
 * The processes of the benchmark, in addition to the tunnel's: an agent and a gateway, which stands in for the CLI's
 * `ssh --stdio`, with resumable streams between them.
 */
const ROLES: Record<string, (...args: number[]) => Promise<Ports>> = {
  "resumable-agent": (tunnelPort, targetPort) => agent(tunnelPort!, targetPort!),
  "resumable-gateway": (proxyPort) => gateway(proxyPort!),
};

/** Runs the role in this process, which its parent forked. */
export async function run(role: string, args: readonly string[]): Promise<void> {
  const own = ROLES[role];
  if (!own) return runRole(role, args);
  process.on("disconnect", () => process.exit(0));
  process.send!(await own(...args.map(Number)));
}

async function agent(tunnelPort: number, targetPort: number): Promise<Ports> {
  const resumable = createResumableServer({ onStream: (stream) => splice(stream, dial(targetPort)) });
  const tunnel = createTunnel(dial(tunnelPort), {
    role: "server",
    onStream: (pending) => resumable.accept(pending.accept()),
  });
  await tunnel.ping();
  return { port: 0 };
}

/** Each connection is a resumable stream. On request, it breaks the underlying connections and answers. */
async function gateway(proxyPort: number): Promise<Ports> {
  const carriers = new Set<Socket>();
  process.on("message", () => {
    for (const carrier of carriers) carrier.destroy();
    process.send!("cut");
  });
  const server = createServer(
    { noDelay: true, allowHalfOpen: true, pauseOnConnect: true },
    async (client) => {
      const { stream } = await openResumable({
        async connect() {
          const carrier = dial(proxyPort);
          carriers.add(carrier);
          carrier.once("close", () => carriers.delete(carrier));
          return carrier;
        },
      });
      splice(stream, client);
    },
  );
  return listen(server);
}

function splice(left: Duplex, right: Duplex): void {
  for (const [one, other] of [
    [left, right],
    [right, left],
  ] as const) {
    one.pipe(other);
    one.on("error", () => other.destroy());
    one.on("close", () => {
      if (!one.readableEnded) other.destroy();
    });
  }
}

function dial(port: number): Socket {
  return connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
}

async function listen(server: Server): Promise<Ports> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port };
}

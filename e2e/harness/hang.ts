import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { waitFor } from "@fleet/testkit";
import { commandOf, environmentOf, type Fleet } from "./fleet.js";
import { reservedPort } from "./port.js";

const PROXY = resolve(import.meta.dirname, "../../dist/proxy.js");

/** Stops processes, with their connections open and silent, until `resume` or the end of the scope. */
export function hang(pids: readonly number[]): Disposable & { resume(): void } {
  if (pids.length === 0) throw new Error("There is no process to stop.");
  const send = (signal: NodeJS.Signals) => {
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch {} // It has ended.
    }
  };
  send("SIGSTOP");
  const resume = () => send("SIGCONT");
  return { resume, [Symbol.dispose]: resume };
}

/** Process IDs of the agent of a workspace of the template `local`. */
export function agentPids(workspaceId: string): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        return (
          commandOf(pid).split("\0").includes("agent") &&
          environmentOf(pid).CODER_LOCAL_WORKSPACE === workspaceId
        );
      } catch {
        return false;
      }
    });
}

export type ProxyProcess = AsyncDisposable & { readonly pid: number; readonly port: number; log(): string };

/** Starts another replica of the fleet's proxy with this environment. Resolves once it has connected to coderd. */
export async function startProxyReplica(
  fleet: Fleet,
  env: Record<string, string> = {},
): Promise<ProxyProcess> {
  const [port, relay, probe] = [await reservedPort(), await reservedPort(), await reservedPort()];
  const child = spawn(process.execPath, [PROXY], {
    env: {
      ...(process.env as Record<string, string>),
      ...fleet.proxySettings(),
      CODER_HTTP_ADDRESS: `127.0.0.1:${port}`,
      CODER_PROXY_RELAY_ADDRESS: `127.0.0.1:${relay}`,
      CODER_PROMETHEUS_ADDRESS: `127.0.0.1:${probe}`,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => lines.push(String(chunk)));
  const ended = new Promise((done) => child.once("exit", done));
  const replica: ProxyProcess = {
    pid: child.pid!,
    port,
    log: () => lines.join(""),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
  try {
    await waitFor(async () => (await fetch(`http://127.0.0.1:${probe}/readyz`)).ok, {
      what: "the second proxy to be ready",
      timeoutMs: 30_000,
    });
  } catch (error) {
    await replica[Symbol.asyncDispose]();
    throw new Error(`The second proxy did not start:\n${replica.log()}`, { cause: error });
  }
  return replica;
}

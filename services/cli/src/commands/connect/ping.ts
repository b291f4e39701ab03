import { once } from "node:events";
import { FleetError, formatDuration, parseDuration } from "@fleet/base";
import { Command } from "commander";
import type { Context, Session } from "../../context.js";
import { openSshStream } from "../../net/stream.js";
import { reachAgent } from "../../workspace/agent.js";

type Options = { num?: string; wait: string; timeout: string };

export function pingCommand(context: Context): Command {
  return new Command("ping")
    .description("Measure the round-trip time to the workspace's SSH server")
    .argument("<workspace>", "[owner/]workspace[.agent]")
    .option("-n, --num <count>", "Number of pings (default: until Ctrl-C)")
    .option("--wait <duration>", "Time between pings", "1s")
    .option("-t, --timeout <duration>", "How long to wait for a response", "5s")
    .action((name: string, options: Options) => ping(context, name, options));
}

async function ping(context: Context, name: string, options: Options): Promise<void> {
  const session = await context.session();
  const { agent, workspace } = await reachAgent(context, name, { autostart: false, wait: "no" });
  const timeoutMs = parseDuration(options.timeout);
  const count = options.num === undefined ? Number.POSITIVE_INFINITY : Number(options.num);
  const times: number[] = [];
  for (let sent = 0; sent < count && !context.signal.aborted; sent++) {
    if (sent > 0) await context.clock.sleep(parseDuration(options.wait), context.signal).catch(() => {});
    if (context.signal.aborted) break;
    const ms = await measure(session, agent.id, timeoutMs);
    times.push(ms);
    context.print(
      `pong from ${workspace.name}.${agent.name} through ${new URL(session.url).host} in ${round(ms)} ms`,
    );
  }
  const [least, most] = [Math.min(...times), Math.max(...times)];
  const mean = times.reduce((sum, ms) => sum + ms, 0) / times.length;
  context.note(
    `${times.length} measured: least ${round(least)}, mean ${round(mean)}, most ${round(most)} ms`,
  );
}

/** Milliseconds from opening a stream to the first bytes of the SSH server behind it. */
async function measure(session: Session, agent: string, timeoutMs: number): Promise<number> {
  const signal = AbortSignal.timeout(timeoutMs);
  const started = performance.now();
  try {
    const stream = await openSshStream(session, agent, signal);
    try {
      await once(stream, "data", { signal });
      return performance.now() - started;
    } finally {
      stream.destroy();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new FleetError("deadline_exceeded", `No response within ${formatDuration(timeoutMs)}.`, {
      cause: error,
    });
  }
}

function round(ms: number): string {
  return ms.toFixed(1);
}

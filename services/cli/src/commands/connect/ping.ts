import { once } from "node:events";
import { FleetError, formatDuration, parseDuration } from "@fleet/base";
import { Command } from "commander";
import type { Context, Session } from "../../context.js";
import { openSshStream } from "../../net/stream.js";
import { countOf } from "../../ui/number-option.js";
import { reachAgent } from "../../workspace/agent.js";

type Options = { num?: number; wait: string; timeout: string };

export function pingCommand(context: Context): Command {
  return new Command("ping")
    .description("Measure the round-trip time to the workspace's SSH server")
    .argument("<workspace>", "[owner/]workspace[.agent]")
    .option("-n, --num <count>", "Number of pings (default: until Ctrl-C)", countOf({ min: 1 }))
    .option("--wait <duration>", "Time between pings", "1s")
    .option("-t, --timeout <duration>", "How long to wait for a response", "5s")
    .action((name: string, options: Options) => ping(context, name, options));
}

async function ping(context: Context, name: string, options: Options): Promise<void> {
  const timeoutMs = parseDuration(options.timeout);
  const pauseMs = parseDuration(options.wait);
  if (timeoutMs <= 0) throw new FleetError("invalid_argument", "The timeout must be greater than zero.");
  const session = await context.session();
  const { agent, workspace } = await reachAgent(context, name, { autostart: false, wait: "no" });
  const count = options.num ?? Number.POSITIVE_INFINITY;
  const times: number[] = [];
  for (let sent = 0; sent < count && !context.signal.aborted; sent++) {
    if (sent > 0) await context.clock.sleep(pauseMs, context.signal).catch(() => {});
    if (context.signal.aborted) break;
    const ms = await measure(session, agent.id, timeoutMs);
    times.push(ms);
    context.print(
      `pong from ${workspace.name}.${agent.name} through ${new URL(session.url).host} in ${round(ms)} ms`,
    );
  }
  if (times.length === 0) return;
  const [least, most] = [Math.min(...times), Math.max(...times)];
  const mean = times.reduce((sum, ms) => sum + ms, 0) / times.length;
  context.note(
    `${times.length} pings, round trip min/avg/max ${round(least)}/${round(mean)}/${round(most)} ms`,
  );
}

/** Time from opening a stream to the first bytes of the SSH server behind it, in milliseconds. */
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

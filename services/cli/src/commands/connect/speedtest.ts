import { once } from "node:events";
import { FleetError, parseDuration } from "@fleet/base";
import { Command, Option } from "commander";
import type { Client, ClientChannel } from "ssh2";
import type { Context } from "../../context.js";
import { openSshStream } from "../../net/stream.js";
import { printJson } from "../../ui/output.js";
import { renderTable } from "../../ui/table.js";
import { reachAgent } from "../../workspace/agent.js";

type Options = { direction: "up" | "down"; time: string; output: "table" | "json" };

/** Start and end, in seconds since the beginning, and the throughput between them. */
type Interval = { start_time_seconds: number; end_time_seconds: number; throughput_mbits: number };

const INTERVAL_MS = 1000;
/** Size of each write, and of the send buffer. */
const CHUNK = Buffer.alloc(64 * 1024);

export function speedtestCommand(context: Context): Command {
  return new Command("speedtest")
    .description("Measure the throughput to or from a workspace, over SSH")
    .argument("<workspace>", "[owner/]workspace[.agent]")
    .addOption(
      new Option("--direction <direction>", "Direction of the transfer")
        .choices(["up", "down"])
        .default("down"),
    )
    .option("-t, --time <duration>", "Duration of the test", "5s")
    .option("-d, --direct", "Ignored; accepted for compatibility")
    .addOption(
      new Option("-o, --output <format>", "Output format").choices(["table", "json"]).default("table"),
    )
    .action((name: string, options: Options) => speedtest(context, name, options));
}

async function speedtest(context: Context, name: string, options: Options): Promise<void> {
  const session = await context.session();
  const { agent } = await reachAgent(context, name, { autostart: false, wait: "no" });
  const stream = await openSshStream(session, agent.id, context.signal);
  const { openClient } = await import("../../net/ssh-session.js");
  const client = await openClient(stream, { hostKey: agent.ssh_host_public_key });
  try {
    const intervals = await measure(client, options.direction, parseDuration(options.time), context.signal);
    const overall = combine(intervals);
    if (options.output === "json") return printJson(context, { overall, intervals });
    const columns = [
      {
        name: "interval",
        text: (row: Interval) => `${row.start_time_seconds.toFixed(2)}-${row.end_time_seconds.toFixed(2)} s`,
      },
      { name: "throughput", text: (row: Interval) => `${row.throughput_mbits.toFixed(1)} Mbit/s` },
    ];
    context.print(renderTable(columns, [...intervals, overall]));
  } finally {
    client.end();
    stream.destroy();
  }
}

async function measure(
  client: Client,
  direction: "up" | "down",
  durationMs: number,
  signal: AbortSignal,
): Promise<Interval[]> {
  const channel = await exec(client, direction === "up" ? "cat >/dev/null" : "cat /dev/zero");
  const over = AbortSignal.any([signal, AbortSignal.timeout(durationMs)]);
  const meter = createMeter();
  const timer = setInterval(meter.lap, INTERVAL_MS);
  const lost = once(channel, "close").then(() => {
    if (!over.aborted) {
      throw new FleetError(
        "unavailable",
        "The test ended early: the connection was lost, or the workspace has no cat command.",
      );
    }
  });
  try {
    await Promise.race([lost, (direction === "up" ? send : receive)(channel, meter, over)]);
  } finally {
    clearInterval(timer);
    lost.catch(() => {});
  }
  return meter.finish();
}

function exec(client: Client, command: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}

async function send(channel: ClientChannel, meter: Meter, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    meter.add(CHUNK.length);
    if (!channel.write(CHUNK)) await once(channel, "drain", { signal: over }).catch(() => {});
    // A fast receiver must not starve the timers.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function receive(channel: ClientChannel, meter: Meter, over: AbortSignal): Promise<void> {
  channel.on("data", (chunk: Buffer) => meter.add(chunk.length));
  if (!over.aborted) await once(over, "abort");
}

/** Counts bytes per interval. */
type Meter = {
  add(count: number): void;
  /** Ends the current interval and begins the next. */
  lap(): void;
  /** Returns the intervals, including the bytes since the last lap. */
  finish(): Interval[];
};

function createMeter(): Meter {
  const intervals: Interval[] = [];
  const started = performance.now();
  let from = 0;
  let bytes = 0;
  const lap = () => {
    const to = (performance.now() - started) / 1000;
    const throughput_mbits = (bytes * 8) / 1e6 / Math.max(to - from, 1e-3);
    intervals.push({ start_time_seconds: from, end_time_seconds: to, throughput_mbits });
    from = to;
    bytes = 0;
  };
  return {
    add(count) {
      bytes += count;
    },
    lap,
    finish() {
      if (bytes > 0 || intervals.length === 0) lap();
      return intervals;
    },
  };
}

function combine(intervals: readonly Interval[]): Interval {
  const end = intervals.at(-1)!.end_time_seconds;
  const bits = intervals.reduce(
    (sum, each) => sum + each.throughput_mbits * (each.end_time_seconds - each.start_time_seconds),
    0,
  );
  return { start_time_seconds: 0, end_time_seconds: end, throughput_mbits: bits / end };
}

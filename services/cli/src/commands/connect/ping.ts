import { once } from "node:events";
import { FleetError, formatDuration, parseDuration, SESSION_HEADER } from "@fleet/base";
import { callSpecs, routeUrl } from "@fleet/sdk/browser";
import { Command } from "commander";
import type { Client } from "ssh2";
import type { Context, Session } from "../../context.js";
import { openSshStream } from "../../net/stream.js";
import { quickFetch } from "../../quick-fetch.js";
import { countOf } from "../../ui/number-option.js";
import { renderTable } from "../../ui/table.js";
import { reachAgent } from "../../workspace/agent.js";

type Options = { num?: number; wait: string; timeout: string; time?: boolean; utc?: boolean };

/** Requests for each part of the path; the fastest counts. */
const SAMPLES = 3;

export function pingCommand(context: Context): Command {
  return new Command("ping")
    .summary("Measure the round-trip time to a workspace")
    .description(
      "Measure the round-trip time to a workspace, over one SSH connection, and show which part of the path takes how long.",
    )
    .argument("<workspace>", "[owner/]workspace[.agent]")
    .option("-n, --num <count>", "Number of pings (default: until Ctrl-C)", countOf({ min: 1 }))
    .option("--wait <duration>", "Time between pings", "1s")
    .option("-t, --timeout <duration>", "How long to wait for a response", "5s")
    .option("--time", "Print the time of each response")
    .option("--utc", "Print times in UTC (implies --time)")
    .action((name: string, options: Options) => ping(context, name, options));
}

async function ping(context: Context, name: string, options: Options): Promise<void> {
  const timeoutMs = parseDuration(options.timeout);
  const pauseMs = parseDuration(options.wait);
  if (timeoutMs <= 0) throw new FleetError("invalid_argument", "The timeout must be greater than zero.");
  const session = await context.session();
  const { agent, workspace } = await reachAgent(context, name, { autostart: false, wait: "no" });
  const opening = performance.now();
  const client = await connect(context, session, agent, timeoutMs);
  context.onClose(() => void client.end());
  const connectMs = performance.now() - opening;
  const lost = once(client, "close").then(() => {
    throw new FleetError("unavailable", "The connection to the workspace was lost.");
  });
  lost.catch(() => {});
  const { host } = new URL(session.url);
  const count = options.num ?? Number.POSITIVE_INFINITY;
  const times: number[] = [];
  for (let sent = 0; sent < count && !context.signal.aborted; sent++) {
    if (sent > 0) await context.clock.sleep(pauseMs, context.signal).catch(() => {});
    if (context.signal.aborted) break;
    const ms = await within(context, timeoutMs, () => Promise.race([roundTrip(client), lost]));
    times.push(ms);
    context.print(
      `${timeOf(context, options)}pong from ${workspace.name}.${agent.name} through ${host} in ${round(ms)} ms`,
    );
  }
  if (times.length === 0) return;
  const [least, most] = [Math.min(...times), Math.max(...times)];
  const mean = times.reduce((sum, ms) => sum + ms, 0) / times.length;
  context.note(
    `${times.length} pings, round trip min/avg/max ${round(least)}/${round(mean)}/${round(most)} ms`,
  );
  if (!context.signal.aborted) context.note(await partsOf(session, agent.id, least, connectMs));
}

function connect(
  context: Context,
  session: Session,
  agent: { id: string; ssh_host_public_key?: string | undefined },
  timeoutMs: number,
): Promise<Client> {
  return within(context, timeoutMs, async (signal) => {
    const stream = await openSshStream(session, agent.id, signal);
    const destroy = () => stream.destroy();
    signal.addEventListener("abort", destroy, { once: true });
    const { openClient } = await import("../../net/ssh-session.js");
    const client = await openClient(stream, { hostKey: agent.ssh_host_public_key });
    signal.removeEventListener("abort", destroy);
    return client;
  });
}

/** SSH has no ping: this asks the server to cancel a forward that does not exist, which it answers at once. */
function roundTrip(client: Client): Promise<number> {
  const started = performance.now();
  return new Promise((resolve) => {
    client.unforwardIn("127.0.0.1", 1, () => resolve(performance.now() - started));
  });
}

/**
 * Which part of the path takes how long, in milliseconds. The proxy itself refuses a request for a stream that does not
 * upgrade; other requests go on to coderd, which every connection asks once, for authorization.
 */
async function partsOf(session: Session, agent: string, pingMs: number, connectMs: number): Promise<string> {
  const refused = routeUrl(callSpecs.agentSsh!, { params: { agent } }, session.url);
  const answered = routeUrl(callSpecs.buildInfo!, {}, session.url);
  const proxyMs = await fastest(session, refused);
  const coderdMs = await fastest(session, answered);
  const rows = [
    { part: "this machine ↔ proxy", ms: Math.min(proxyMs, pingMs) },
    { part: "proxy ↔ workspace", ms: Math.max(0, pingMs - proxyMs) },
    { part: "proxy ↔ coderd (only to connect)", ms: Math.max(0, coderdMs - proxyMs) },
    { part: "whole connection setup", ms: connectMs },
  ];
  return renderTable(
    [
      { name: "part", text: ({ part }) => part },
      { name: "ms", text: ({ ms }) => round(ms) },
    ],
    rows,
  );
}

/** The first request also opens the connection, which later ones reuse. */
async function fastest({ headers, token }: Session, url: string): Promise<number> {
  const times: number[] = [];
  for (let sample = 0; sample <= SAMPLES; sample++) {
    const started = performance.now();
    const response = await quickFetch(url, {
      method: "GET",
      headers: { ...headers, [SESSION_HEADER.toLowerCase()]: token },
    });
    await response.text();
    if (sample > 0) times.push(performance.now() - started);
  }
  return Math.min(...times);
}

/** Rejects with `deadline_exceeded` after the timeout, and aborts what is left of the action. */
async function within<T>(
  { clock }: Context,
  timeoutMs: number,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const expired = Promise.withResolvers<never>();
  const timer = clock.after(timeoutMs, () => {
    limit.abort();
    const message = `No response within ${formatDuration(timeoutMs)}.`;
    expired.reject(new FleetError("deadline_exceeded", message));
  });
  try {
    return await Promise.race([act(limit.signal), expired.promise]);
  } finally {
    timer.cancel();
  }
}

function timeOf({ clock }: Context, { time, utc }: Options): string {
  if (utc) return `${clock.now().toISOString()} `;
  return time ? `${clock.now().toLocaleTimeString("sv-SE")} ` : "";
}

function round(ms: number): string {
  return ms.toFixed(1);
}

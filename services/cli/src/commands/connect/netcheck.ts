import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { errorMessage, SESSION_HEADER } from "@fleet/base";
import { Command, Option } from "commander";
import { type Context, headersFor } from "../../context.js";
import { ExitStatus } from "../../exit-status.js";
import { type Phases, probe } from "../../net/probe.js";
import { printJson } from "../../ui/output.js";

type Severity = "ok" | "warning" | "error";
type Message = { code: string; message: string };

/** A region (the deployment or one of its proxies), in the editor extension's schema. */
type RegionReport = {
  severity: Severity;
  warnings: Message[];
  error: string | null;
  region: { RegionID: number; RegionName: string; EmbeddedRelay: boolean };
  node_reports: {
    can_exchange_messages: boolean;
    round_trip_ping_ms: number;
    stun: { Enabled: boolean; CanSTUN: boolean };
    node: { STUNOnly: boolean };
  }[];
};

/** Number of requests to each region; the fastest gives the round trip, and the first connection its phases. */
const SAMPLES = 3;
/** Round trip above which typing feels slow, in milliseconds. */
const SLOW_MS = 200;

export function netcheckCommand(context: Context): Command {
  return new Command("netcheck")
    .description(
      "Check the network between this machine and the deployment, and report why it is slow or down. Prints JSON unless standard output is a terminal.",
    )
    .summary("Check the network between this machine and the deployment")
    .addOption(new Option("-o, --output <format>", "Output format").choices(["text", "json"]))
    .addOption(new Option("--json", "Same as --output=json").hideHelp())
    .action((options: { output?: "text" | "json"; json?: boolean }) =>
      netcheck(
        context,
        options.json ? "json" : (options.output ?? (context.io.stdout.isTTY ? "text" : "json")),
      ),
    );
}

async function netcheck(context: Context, output: "text" | "json"): Promise<void> {
  const url = await context.url();
  const token = context.globals.token ?? (await context.sessions.read(url));
  const places = await regionsOf(context, url, token);
  const regions = await Promise.all(
    places.map((place, index) => checkRegion(context, { ...place, id: index + 1, token })),
  );
  const derp = {
    severity: overall(regions),
    warnings: regions.flatMap(({ warnings }) => warnings),
    dismissed: false,
    error: regions[0]!.error,
    regions: Object.fromEntries(regions.map((report) => [report.region.RegionID, report])),
    // Connections are relayed over HTTPS: there is no UDP to probe.
    netcheck: null,
    netcheck_err: null,
    netcheck_logs: [],
  };
  const interfaces = {
    severity: "ok",
    warnings: [],
    dismissed: false,
    error: null,
    interfaces: await ownInterfaces(),
  };
  // The report itself is the result: editors read it only if the command succeeds.
  if (output === "json") return printJson(context, { derp, interfaces });
  for (const report of regions) context.print(textOf(context, report));
  if (derp.severity === "error") throw new ExitStatus(1);
}

type Place = { name: string; url: string };

/** The deployment, then its other regions if signed in. */
async function regionsOf(context: Context, url: string, token: string | undefined): Promise<Place[]> {
  const primary = { name: "primary", url };
  if (!token) return [primary];
  const client = await context.clientFor(url, token);
  const { regions } = await client.regions().catch(() => ({ regions: [] }));
  const others = regions.filter(({ name, path_app_url }) => name !== "primary" && path_app_url !== "");
  return [
    primary,
    ...others.map(({ name, display_name, path_app_url }) => ({
      name: display_name || name,
      url: path_app_url,
    })),
  ];
}

async function checkRegion(
  context: Context,
  { id, name, url, token }: Place & { id: number; token: string | undefined },
): Promise<RegionReport> {
  const region = { RegionID: id, RegionName: name, EmbeddedRelay: id === 1 };
  const report = (
    severity: Severity,
    ms: number,
    warnings: string[],
    error: string | null,
  ): RegionReport => ({
    severity,
    warnings: warnings.map((message) => ({ code: "EUNKNOWN", message: `${name}: ${message}` })),
    error: error && `${name}: ${error}`,
    region,
    node_reports: [
      {
        can_exchange_messages: error === null,
        round_trip_ping_ms: Math.round(ms),
        stun: { Enabled: false, CanSTUN: false },
        node: { STUNOnly: false },
      },
    ],
  });
  try {
    const headers = await headersFor(context, url);
    const target = new URL(`${url}/api/v2/buildinfo`);
    const probes = [];
    for (let sample = 0; sample < SAMPLES; sample++) {
      probes.push(await probe({ url: target, headers, signal: context.signal }));
    }
    const status = probes[0]!.status;
    if (status >= 500) return report("error", 0, [], `The deployment answered with HTTP status ${status}.`);
    const phases = probes.map((each) => each.phases).sort((a, b) => roundTrip(a) - roundTrip(b))[0]!;
    const warnings = [
      ...(status === 200
        ? []
        : [`HTTP status ${status} from ${target.href}: a proxy in between may require signing in.`]),
      ...(roundTrip(phases) > SLOW_MS ? [`The connection is slow: ${describe(phases)}.`] : []),
      ...(token && id === 1
        ? await upgradeProblem(context, url, { ...headers, [SESSION_HEADER]: token })
        : []),
    ];
    return report(warnings.length > 0 ? "warning" : "ok", roundTrip(phases), warnings, null);
  } catch (error) {
    return report("error", 0, [], errorMessage(error));
  }
}

/** A TCP handshake is exactly one round trip; without a DNS lookup it may be too fast to measure. */
function roundTrip({ tcp, response }: Phases): number {
  return tcp ?? response;
}

function describe({ dns, tcp, tls, response }: Phases): string {
  const parts = { "DNS lookup": dns, "TCP connect": tcp, "TLS handshake": tls, response };
  return Object.entries(parts)
    .filter(([, ms]) => ms !== undefined)
    .map(([what, ms]) => `${what} ${ms!.toFixed(0)} ms`)
    .join(", ");
}

/** Checks connection upgrades, which terminals, port forwarding and SSH need and some proxies block. */
async function upgradeProblem(
  context: Context,
  url: string,
  headers: Record<string, string>,
): Promise<string[]> {
  const { status } = await probe({
    url: new URL(`${url}/api/v2/notifications/inbox/watch`),
    signal: context.signal,
    headers: {
      ...headers,
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": Buffer.alloc(16, 1).toString("base64"),
    },
  });
  if (status === 101 || status === 401) return [];
  return [
    `WebSocket connections do not reach the deployment (HTTP status ${status}). A proxy in between must pass the Upgrade header.`,
  ];
}

async function ownInterfaces() {
  return Promise.all(
    Object.entries(networkInterfaces()).map(async ([name, addresses]) => ({
      name,
      // Unknown if the system has no such file.
      mtu: Number(await readFile(`/sys/class/net/${name}/mtu`, "utf8").catch(() => 0)),
      addresses: (addresses ?? []).map(({ address, cidr }) => cidr ?? address),
    })),
  );
}

/** The deployment itself decides: an unreachable region only reduces the choice. */
function overall([primary, ...others]: readonly RegionReport[]): Severity {
  if (primary!.severity !== "ok") return primary!.severity;
  return others.some(({ severity }) => severity !== "ok") ? "warning" : "ok";
}

function textOf(
  { colors }: Context,
  { region, severity, warnings, error, node_reports }: RegionReport,
): string {
  const name = colors.bold(region.RegionName);
  if (severity === "error") return `${colors.red("✘")} ${error}`;
  const line = `${name}: reachable, round trip ${node_reports[0]!.round_trip_ping_ms} ms`;
  if (severity === "ok") return `${colors.green("✔")} ${line}`;
  return [`${colors.yellow("!")} ${line}`, ...warnings.map(({ message }) => `  ${message}`)].join("\n");
}

import { type ChildProcess, fork } from "node:child_process";
import { median, quantile, type Report, report, round } from "./report.js";
import { download, requests, requestsBehindBulk, upload } from "./tunnel/load.js";
import { type Ask, type Ports, runRole, type Usage } from "./tunnel/roles.js";

/**
 * client → proxy → tunnel → agent → target, each a process, on loopback, against the same two hops as a raw TCP
 * relay. The sides alternate in one run; the result is the median over the rounds.
 */
const ROUNDS = 5;
const BULK_BYTES = 256e6;
const STREAMS = 16;
const REQUESTS_MS = 700;
const BEHIND_BULK_MS = 700;
const IDLE_AGENTS = 1000;

type Worker = Ports & { ask(ask: Ask): Promise<Usage> };
type Side = { name: string; port: number; hops: readonly Worker[]; samples: Record<Measure, number[]> };
const MEASURES = ["down", "streams", "up", "requests", "smallP50", "smallP99", "cpuPerGb"] as const;
type Measure = (typeof MEASURES)[number];

const children: ChildProcess[] = [];

async function start(role: string, ...args: number[]): Promise<Worker> {
  const child = fork(process.argv[1]!, [role, ...args.map(String)], {
    execArgv: [...process.execArgv, "--expose-gc"],
  });
  children.push(child);
  const next = <T>() =>
    new Promise<T>((resolve, reject) => {
      const onExit = () => reject(new Error(`The ${role} process exited before responding.`));
      child.once("exit", onExit);
      child.once("message", (message) => {
        child.off("exit", onExit);
        resolve(message as T);
      });
    });
  const ports = await next<Ports>();
  return {
    ...ports,
    ask(ask) {
      const answer = next<Usage>();
      child.send(ask);
      return answer;
    },
  };
}

async function tunnelSide(name: string, target: Worker, suffix: string): Promise<Side> {
  const proxy = await start(`proxy${suffix}`);
  const agent = await start(`agent${suffix}`, proxy.tunnelPort!, target.port);
  return side(name, proxy.port, [proxy, agent]);
}

function side(name: string, port: number, hops: readonly Worker[]): Side {
  const samples = Object.fromEntries(MEASURES.map((measure) => [measure, [] as number[]]));
  return { name, port, hops, samples: samples as Side["samples"] };
}

async function cpuMs(hops: readonly Worker[]): Promise<number> {
  const usages = await Promise.all(hops.map((hop) => hop.ask("usage")));
  return usages.reduce((sum, usage) => sum + usage.cpuMs, 0);
}

/** Takes one sample of one side. */
const SAMPLES: readonly ((side: Side) => Promise<void>)[] = [
  sampleDownload,
  async ({ port, samples }) => {
    samples.streams.push(await download(port, BULK_BYTES / STREAMS, STREAMS));
  },
  sampleDownload,
  async ({ port, samples }) => {
    samples.up.push(await upload(port, BULK_BYTES));
  },
  sampleDownload,
  async ({ port, samples }) => {
    samples.requests.push((await requests(port, 64, REQUESTS_MS)).perSecond);
  },
  async ({ port, samples }) => {
    const small = await requestsBehindBulk(port, BEHIND_BULK_MS);
    samples.smallP50.push(median(small));
    samples.smallP99.push(quantile(small, 0.99));
  },
];

async function sampleDownload({ port, hops, samples }: Side): Promise<void> {
  const before = await cpuMs(hops);
  samples.down.push(await download(port, BULK_BYTES));
  samples.cpuPerGb.push(((await cpuMs(hops)) - before) / 1000 / (BULK_BYTES / 1e9));
}

/** The sides alternate per sample, a different one first each time, so that other load affects all of them alike. */
async function runRound(sides: readonly Side[]): Promise<void> {
  for (const [turn, sample] of SAMPLES.entries()) {
    for (let index = 0; index < sides.length; index++) await sample(sides[(turn + index) % sides.length]!);
  }
}

/** The proxy's memory for each of a thousand idle agents. */
async function kibPerIdleAgent(): Promise<{ resident: number; live: number }> {
  const proxy = await start("proxy");
  const before = await proxy.ask("usage after gc");
  await start("idle-agents", proxy.tunnelPort!, IDLE_AGENTS);
  const after = await proxy.ask("usage after gc");
  const kib = (bytes: number) => bytes / 1024 / IDLE_AGENTS;
  return { resident: kib(after.rssBytes - before.rssBytes), live: kib(after.liveBytes - before.liveBytes) };
}

async function measure(): Promise<Report> {
  const target = await start("target");
  const second = await start("relay", target.port);
  const first = await start("relay", second.port);
  const relay = side("raw relay", first.port, [first, second]);
  const tunnel = await tunnelSide("tunnel", target, "");
  const webSocket = await tunnelSide("tunnel in a WebSocket", target, "-ws");
  const sides = [relay, tunnel, webSocket];
  await runRound(sides.map(({ port, hops }) => side("warm-up", port, hops)));
  for (let round = 0; round < ROUNDS; round++) await runRound(sides);
  const idle = await kibPerIdleAgent();

  /** The median of the ratios of adjacent samples. */
  const ratio = (one: Side, name: Measure) =>
    median(one.samples[name].map((value, turn) => value / relay.samples[name][turn]!));
  const row = (one: Side) => {
    const value = (name: Measure) => median(one.samples[name]);
    const times = (name: Measure) => ratio(one, name).toFixed(2);
    const cells = [one.name, value("down").toFixed(0), times("down"), times("up"), times("streams")];
    cells.push(value("cpuPerGb").toFixed(2), value("requests").toFixed(0), times("requests"));
    cells.push(`${value("smallP50").toFixed(2)}/${value("smallP99").toFixed(1)}`);
    return cells;
  };
  const heads = [
    "",
    "down MB/s",
    "down ×",
    "up ×",
    `${STREAMS} streams ×`,
    "CPU s/GB",
    "req/s at 64",
    "req ×",
  ];
  return {
    bench: "tunnel",
    table: [[...heads, "small behind bulk p50/p99 ms"], ...sides.map(row)],
    results: {
      bulk_vs_relay: round(ratio(tunnel, "down")),
      requests64_vs_relay: round(ratio(tunnel, "requests")),
      small_p50_ms_behind_bulk: round(median(tunnel.samples.smallP50)),
      kib_per_idle_agent: round(idle.resident, 1),
      live_kib_per_idle_agent: round(idle.live, 1),
    },
    goals: {
      bulk_vs_relay: { op: ">=", value: 0.8 },
      requests64_vs_relay: { op: ">=", value: 1.1 },
      small_p50_ms_behind_bulk: { op: "<=", value: 3 },
    },
    notes: [
      `${ROUNDS} rounds; × is the median of each sample's ratio to the raw relay's beside it; CPU is that of the two hops.`,
      `Idle agents: the proxy's resident memory for ${IDLE_AGENTS} plain tunnels, from an empty process. What lives on its heap is told as live; the rest is Node's own, and serves the second thousand too.`,
    ],
  };
}

const [role, ...args] = process.argv.slice(2);
if (role) {
  await runRole(role, args);
} else {
  try {
    report(await measure());
  } finally {
    for (const child of children) if (child.connected) child.disconnect();
  }
}

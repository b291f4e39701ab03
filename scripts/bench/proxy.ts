import { type ChildProcess, fork } from "node:child_process";
import { download, requests } from "./proxy/load.js";
import { APP_PATH, BULK_BYTES, type Ports, runRole } from "./proxy/roles.js";
import { median, quantile, type Report, report, round } from "./report.js";

/**
 * The hot path of dev URLs: client → proxy → tunnel → agent → app, each a process, on loopback. Compares ways to
 * carry a request over the tunnel's streams, and the product's complete proxy; the raw side parses no HTTP in the proxy
 * and is the upper limit of the tunnel. The sides alternate in one run.
 */
const ROUNDS = 5;
const REQUESTS_MS = 1000;
const CONNECTIONS = 64;

type Worker = Ports & { cpuMs(): Promise<number> };
type Sample = { requests: number; p50: number; p99: number; cpu: number; down: number };
type Side = { name: string; port: number; prefix: string; proxy: Worker; samples: Sample[] };

const children: ChildProcess[] = [];

async function start(role: string, ...args: (string | number)[]): Promise<Worker> {
  const child = fork(process.argv[1]!, [role, ...args.map(String)]);
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
    cpuMs() {
      const answer = next<number>();
      child.send("cpu");
      return answer;
    },
  };
}

async function contender(name: string, appPort: number): Promise<Side> {
  const proxy = await start("proxy", name);
  await start("agent", proxy.tunnelPort!, appPort);
  return { name, port: proxy.port, prefix: "", proxy, samples: [] };
}

async function product(appPort: number): Promise<Side> {
  const proxy = await start("product", appPort);
  await start("product-agent", proxy.port);
  return { name: "the product's proxy", port: proxy.port, prefix: APP_PATH, proxy, samples: [] };
}

async function runRound({ port, prefix, proxy }: Side): Promise<Sample> {
  const before = await proxy.cpuMs();
  const { perSecond, latencies } = await requests(port, `${prefix}/small`, CONNECTIONS, REQUESTS_MS);
  const cpu = ((await proxy.cpuMs()) - before) / latencies.length;
  const down = await download(port, `${prefix}/bulk`, BULK_BYTES);
  return { requests: perSecond, p50: median(latencies), p99: quantile(latencies, 0.99), cpu, down };
}

async function measure(): Promise<Report> {
  const { port: appPort } = await start("app");
  const sides: Side[] = [];
  for (const name of ["raw", "forwarder"]) sides.push(await contender(name, appPort));
  sides.push(await product(appPort));
  for (const side of sides) await runRound(side);
  for (let turn = 0; turn < ROUNDS; turn++) {
    // Each round starts with another side, so that none gets all of the machine's quiet moments.
    for (let index = 0; index < sides.length; index++) {
      const side = sides[(turn + index) % sides.length]!;
      side.samples.push(await runRound(side));
    }
  }
  const [raw] = sides;
  const value = (side: Side, name: keyof Sample) => median(side.samples.map((sample) => sample[name]));
  /** The median of the ratios within each round: interference from the machine affects both sides of a round alike. */
  const ratio = (side: Side, name: keyof Sample) =>
    median(side.samples.map((sample, turn) => sample[name] / raw!.samples[turn]![name]));
  const row = (side: Side) => [
    side.name,
    value(side, "requests").toFixed(0),
    ratio(side, "requests").toFixed(2),
    `${value(side, "p50").toFixed(1)}/${value(side, "p99").toFixed(1)}`,
    (value(side, "cpu") * 1000).toFixed(0),
    value(side, "down").toFixed(0),
    ratio(side, "down").toFixed(2),
  ];
  const of = (name: string) => sides.find((side) => side.name === name)!;
  return {
    bench: "proxy",
    table: [
      ["", `req/s at ${CONNECTIONS}`, "req ×", "p50/p99 ms", "proxy CPU µs/req", "down MB/s", "down ×"],
      ...sides.map(row),
    ],
    results: {
      forwarder_vs_raw: round(ratio(of("forwarder"), "requests")),
      product_vs_raw: round(ratio(of("the product's proxy"), "requests")),
      product_requests_per_second: round(value(of("the product's proxy"), "requests"), 0),
      product_down_mb_per_second: round(value(of("the product's proxy"), "down"), 0),
    },
    goals: {},
    notes: [
      `${ROUNDS} rounds; × is the median of each round's ratio to the raw side; answers of 1 KiB, downloads of ${BULK_BYTES / 1e6} MB.`,
      "The product's proxy also decides (from memory), filters headers and cookies, counts and traces; its coderd shares its process.",
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
    for (const child of children) child.disconnect();
  }
}

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { median, quantile, type Report, report, round } from "./report.js";
import { run } from "./resume/roles.js";
import { download, requests, upload } from "./tunnel/load.js";
import { type Ports, REQUEST, RESPONSE } from "./tunnel/roles.js";

/**
 * client → gateway → proxy → tunnel → agent → target, each in its own process, on loopback: with plain streams and with
 * resumable ones between gateway and agent. The sides alternate in one run; the result is the median of the ratios of
 * adjacent samples.
 */
const ROUNDS = 7;
const BULK_BYTES = 256e6;
const ECHO_MS = 700;
const CUTS = 30;

type Worker = Ports & { child: ChildProcess };
type Side = { name: string; port: number; down: number[]; up: number[]; echo: number[] };

const children: ChildProcess[] = [];

async function start(role: string, ...args: number[]): Promise<Worker> {
  const child = fork(process.argv[1]!, [role, ...args.map(String)]);
  children.push(child);
  const left = once(child, "exit").then(() => {
    throw new Error(`The ${role} process exited before responding.`);
  });
  left.catch(() => {});
  const [ports] = await Promise.race([once(child, "message") as Promise<[Ports]>, left]);
  return { ...ports, child };
}

const side = (name: string, { port }: Worker): Side => ({ name, port, down: [], up: [], echo: [] });

const SAMPLES: readonly ((side: Side) => Promise<void>)[] = [
  async ({ port, down }) => void down.push(await download(port, BULK_BYTES)),
  async ({ port, up }) => void up.push(await upload(port, BULK_BYTES)),
  async ({ port, echo }) => void echo.push(median((await requests(port, 1, ECHO_MS)).latencies)),
];

async function runRound(sides: readonly Side[], turn: number): Promise<void> {
  for (const sample of SAMPLES) {
    for (let index = 0; index < sides.length; index++) await sample(sides[(turn + index) % sides.length]!);
  }
}

/** Milliseconds from a disconnect, with a request sent right after it, to the complete response. */
async function resumeMs({ port, child }: Worker): Promise<number> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const answer = () =>
    new Promise<void>((resolve) => {
      let missing = RESPONSE.length;
      const onData = (chunk: Buffer) => {
        missing -= chunk.length;
        if (missing > 0) return;
        socket.off("data", onData);
        resolve();
      };
      socket.on("data", onData);
      socket.write(REQUEST);
    });
  await answer();
  const begun = performance.now();
  const cut = once(child, "message");
  child.send("cut");
  await cut;
  await answer();
  const took = performance.now() - begun;
  socket.destroy();
  return took;
}

async function measure(): Promise<Report> {
  const target = await start("target");
  const plainProxy = await start("proxy");
  await start("agent", plainProxy.tunnelPort!, target.port);
  const plain = side("plain", await start("relay", plainProxy.port));
  const proxy = await start("proxy");
  await start("resumable-agent", proxy.tunnelPort!, target.port);
  const gateway = await start("resumable-gateway", proxy.port);
  const resumable = side("resumable", gateway);

  await runRound([side("warm-up", { ...gateway, port: plain.port }), side("warm-up", gateway)], 0);
  for (let turn = 0; turn < ROUNDS; turn++) await runRound([plain, resumable], turn);
  const resumes: number[] = [];
  for (let cut = 0; cut < CUTS; cut++) resumes.push(await resumeMs(gateway));

  const ratios = (name: "down" | "up") => resumable[name].map((value, turn) => value / plain[name][turn]!);
  const echoDifference = median(resumable.echo.map((value, turn) => value - plain.echo[turn]!));
  const row = ({ name, down, up, echo }: Side, times: readonly string[]) => [
    name,
    median(down).toFixed(0),
    times[0]!,
    median(up).toFixed(0),
    times[1]!,
    median(echo).toFixed(2),
  ];
  return {
    bench: "resume",
    table: [
      ["", "down MB/s", "×", "up MB/s", "×", "echo p50 ms"],
      row(plain, ["1", "1"]),
      row(resumable, [median(ratios("down")).toFixed(2), median(ratios("up")).toFixed(2)]),
    ],
    results: {
      bulk_vs_plain: round(median([...ratios("down"), ...ratios("up")])),
      bulk_down_vs_plain: round(median(ratios("down"))),
      bulk_up_vs_plain: round(median(ratios("up"))),
      echo_p50_difference_ms: round(echoDifference, 3),
      resume_ms: round(median(resumes), 1),
      resume_p90_ms: round(quantile(resumes, 0.9), 1),
    },
    goals: { bulk_vs_plain: { op: ">=", value: 0.9 } },
    notes: [
      `${ROUNDS} rounds of ${BULK_BYTES / 1e6} MB each way; × is the median of each sample's ratio to the plain one beside it.`,
      `Resume: ${CUTS} cuts, from the cut to the answer of a request that was sent into it. The first try waits up to 50 ms by chance, so that a proxy's clients do not come back in one moment; the HTTP upgrade and coderd's authorization are not in it.`,
    ],
  };
}

const [role, ...args] = process.argv.slice(2);
if (role) {
  await run(role, args);
} else {
  try {
    report(await measure());
  } finally {
    for (const child of children) if (child.connected) child.disconnect();
  }
}

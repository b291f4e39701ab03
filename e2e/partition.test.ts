import { existsSync, readFileSync } from "node:fs";
import { get as httpGet, type IncomingMessage } from "node:http";
import { join, resolve } from "node:path";
import { createClient } from "@fleet/sdk";
import { createPtyExpecter, type PtyExpecter, type Relay, startRelay, waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import { EXECUTABLE, type Fleet, startFleet } from "./harness/fleet.js";
import { agentPids, hang, startProxyReplica } from "./harness/hang.js";
import { reservedPort } from "./harness/port.js";
import {
  agentReady,
  createLocalWorkspace,
  pushLocalTemplate,
  succeed,
  workspaceOf,
} from "./harness/workspace.js";

/** The limits that docs/outages.md promises, in seconds, and the maximum time until full recovery. */
const POSTGRES_NOTICED = 8;
const FRONT_DOOR_ANSWERS = 17;
const REDIS_NOTICED = 7;
const PEER_NOTICED = 20;
/** Delay until a new connection: the first attempt, or one after an attempt that hung too. */
const SESSION_PAUSE = 30;
const RECOVERED = 10;
/** Maximum memory per process that a stalled reader may cost, in MB, including garbage of a busy process. */
const HELD_MB = 96;

/** Maximum duration of any request. */
const ASK_TIMEOUT = 25;

const seconds = (count: number) => count * 1_000;
const measured: Record<string, number> = {};

/** Waits for a condition within its limit, and records how long it took. */
async function within<T>(what: string, limit: number, probe: () => T | Promise<T>): Promise<NonNullable<T>> {
  const begun = performance.now();
  const found = await waitFor(probe, { what, timeoutMs: seconds(limit) });
  measured[what] = Math.round((performance.now() - begun) / 100) / 10;
  return found;
}

let fleet: Fleet;
/** The access URL: traffic of agents and commands passes through this relay to the selected proxy. */
let front: Relay;
let frontUrl: string;
let coderdUrl: string;
let probeUrl: string;
let ledger: string;
let workspaceId: string;
let proxyPort: number;

beforeAll(async () => {
  front = await startRelay({ port: 0 });
  frontUrl = `http://127.0.0.1:${front.port}`;
  const probe = await reservedPort();
  probeUrl = `http://127.0.0.1:${probe}/readyz`;
  fleet = await startFleet({
    env: {
      CODER_ACCESS_URL: frontUrl,
      CODER_PROXY_RELAY_ADDRESS: `127.0.0.1:${await reservedPort()}`,
      CODER_PROMETHEUS_ENABLE: "true",
      CODER_PROMETHEUS_ADDRESS: `127.0.0.1:${probe}`,
    },
  });
  proxyPort = Number(new URL(fleet.url).port);
  front.target = { port: proxyPort };
  coderdUrl = fleet.proxySettings().CODER_PROXY_CODERD_URL;
  // A hung proxy must not block the test's own requests.
  const patient: typeof fetch = (url, init) =>
    fetch(url, { ...init, signal: AbortSignal.timeout(seconds(ASK_TIMEOUT)) });
  fleet = { ...fleet, client: createClient({ baseUrl: coderdUrl, token: fleet.token, fetch: patient }) };
  ledger = join(fleet.configDir, "ledger");
  const slow = resolve(import.meta.dirname, "templates/slow");
  await succeed(fleet, [
    "templates",
    "push",
    "slow",
    "--directory",
    slow,
    "--variable",
    `ledger=${ledger}`,
    "--yes",
  ]);
  await pushLocalTemplate(fleet);
  await createLocalWorkspace(fleet, "dev");
  workspaceId = (await workspaceOf(fleet, "dev")).id;
});
afterAll(async () => {
  process.stdout.write(`${JSON.stringify({ noticed_and_recovered_s: measured })}\n`);
  await fleet?.[Symbol.asyncDispose]();
  await front?.[Symbol.asyncDispose]();
});

test("Postgres hangs: requests fail with a clear error, and everything recovers when it responds again", async () => {
  const hung = hang(fleet.storePids("postgres"));
  using _ = hung;
  const asked = [
    ...Array.from({ length: 20 }, () => ask(`${coderdUrl}/api/v2/users/me`)),
    ask(`${coderdUrl}/api/v2/debug/health`),
    ask(`${coderdUrl}/api/v2/workspaces`),
  ];
  const throughFront = ask(`${frontUrl}/api/v2/users/me`);
  for (const { status, text, tookS } of await Promise.all(asked)) {
    expect(status).toBe(503);
    expect(JSON.parse(text).message).toMatch(/Postgres/);
    expect(tookS).toBeLessThan(POSTGRES_NOTICED + 1);
  }
  const { status, tookS } = await throughFront;
  expect(status).toBe(503);
  expect(tookS).toBeLessThan(FRONT_DOOR_ANSWERS);
  expect((await fetch(probeUrl)).status).toBe(503);
  expect(fleet.log()).toMatch(/Could not connect to Postgres at .*it is not responding/);
  // No request is waiting any longer.
  expect((await ask(`${coderdUrl}/api/v2/users/me`)).tookS).toBeLessThan(1);

  hung.resume();
  await within(
    "Postgres is back: the API",
    RECOVERED,
    async () => (await ask(`${frontUrl}/api/v2/users/me`)).status === 200,
  );
  const crowd = await Promise.all(Array.from({ length: 50 }, () => ask(`${coderdUrl}/api/v2/users/me`)));
  expect(crowd.map((answer) => answer.status)).toEqual(crowd.map(() => 200));
  expect((await fetch(probeUrl)).status).toBe(200);
  expect(fleet.log()).toMatch(/Connection to Postgres restored/);
  await build("after-postgres", 0);
  await within("Postgres is back: a build", RECOVERED, () => ended("after-postgres"));
});

test("Redis hangs: the API answers, running builds finish, and pending ones run when it responds again", async () => {
  await build("running", 6);
  await waitFor(() => entries().includes("began running"), { what: "the build to run", timeoutMs: 30_000 });
  const hung = hang(fleet.storePids("redis"));
  using _ = hung;
  for (const { status, tookS } of await Promise.all(
    Array.from({ length: 10 }, () => ask(`${frontUrl}/api/v2/users/me`)),
  )) {
    expect(status).toBe(200);
    expect(tookS).toBeLessThan(REDIS_NOTICED);
  }
  await build("waiting", 0);
  await within("Redis hangs: the report names it", REDIS_NOTICED + 2, async () => {
    const report = await fleet.client.debugHealth({});
    return report.database.severity === "error" && /Redis/.test(report.database.error ?? "");
  });
  await within("Redis hangs: a running build ends", 20, () => ended("running"));
  const { status, tookS } = await ask(`${frontUrl}/api/v2/users/me`);
  expect([status, tookS < 2]).toEqual([200, true]);
  expect((await workspaceOf(fleet, "waiting")).latest_build.status).toBe("pending");

  hung.resume();
  await within("Redis is back: the waiting build", RECOVERED, () => ended("waiting"));
  expect(entries().filter((entry) => entry === "began waiting")).toHaveLength(1);
});

test("a proxy hangs: agents and sessions continue over another proxy without data loss", async () => {
  await using other = await startProxyReplica(fleet);
  await using shell = await startShell();
  await shell.answers("before");
  const hung = hang(fleet.pids("proxy"));
  using _ = hung;
  front.target = { port: other.port };
  shell.type("meanwhile");
  await Promise.all([
    within("a proxy hangs: the session goes on", SESSION_PAUSE, () => shell.saw("meanwhile")),
    within(
      "a proxy hangs: the dev URL by the other one",
      SESSION_PAUSE,
      async () => (await app(other.port)).status === 200,
    ),
    within("a proxy hangs: coderd drops it", PEER_NOTICED, () => /proxy disconnected/.test(fleet.log())),
  ]);
  await agentReady(fleet, "dev");

  hung.resume();
  await within(
    "the proxy is back: the dev URL by it",
    RECOVERED,
    async () => (await app(proxyPort)).status === 200,
  );
  await shell.answers("after");
  shell.expectOnceEach();
  front.target = { port: proxyPort };
});

test("an agent hangs: the API, its dev URL and `coder ssh` report it, and its session continues afterwards", async () => {
  await using shell = await startShell();
  await shell.answers("before");
  const hung = hang(agentPids(workspaceId));
  using _ = hung;
  const page = app(proxyPort, { "Content-Type": "text/plain" }, "POST");
  shell.type("meanwhile");
  await within(
    "an agent hangs: shown as disconnected",
    PEER_NOTICED,
    async () => (await statusOf()) === "disconnected",
  );
  const { status, text, tookS } = await page;
  expect([status, /has lost its connection/.test(text)]).toEqual([502, true]);
  expect(tookS).toBeLessThan(PEER_NOTICED + 1);
  const refused = createPtyExpecter({ command: EXECUTABLE, args: ["ssh", "dev"], env: fleet.env, cols: 200 });
  await using __ = refused;
  await refused.expect(/is disconnected/, seconds(10));
  expect((await fleet.coder(["list"])).stdout).toMatch(/dev/);

  hung.resume();
  await within("the agent is back: connected", SESSION_PAUSE, async () => (await statusOf()) === "connected");
  await within("the agent is back: the session goes on", SESSION_PAUSE, () => shell.saw("meanwhile"));
  await shell.answers("after");
  shell.expectOnceEach();
});

test("a black-holed network in front of the proxy is detected at both ends, and another proxy is used", async () => {
  await using shell = await startShell();
  await shell.answers("before");
  const before = front.open;
  front.swallow();
  front.restore();
  shell.type("meanwhile");
  await Promise.all([
    within("the network swallows: the session goes on", SESSION_PAUSE, () => shell.saw("meanwhile")),
    within(
      "the network swallows: the agent is back",
      SESSION_PAUSE,
      async () => (await app(proxyPort)).status === 200,
    ),
  ]);
  await agentReady(fleet, "dev");
  await shell.answers("after");
  shell.expectOnceEach();
  await within("the network swallows: what was lost is freed", SESSION_PAUSE, () => front.open <= before);
});

test("a black-holed network between a proxy and coderd is detected, and the session is reestablished", async () => {
  const { CODER_PROXY_CODERD_ADDRESS: grpc, CODER_PROXY_CODERD_URL: http } = fleet.proxySettings();
  await using calls = await startRelay({ port: Number(grpc.split(":")[1]) });
  await using requests = await startRelay({ port: Number(new URL(http).port) });
  await using other = await startProxyReplica(fleet, {
    CODER_PROXY_CODERD_ADDRESS: `127.0.0.1:${calls.port}`,
    CODER_PROXY_CODERD_URL: `http://127.0.0.1:${requests.port}`,
  });
  calls.swallow();
  requests.swallow();
  await within("coderd is out of reach: the proxy says so", PEER_NOTICED, () =>
    /Lost the session with coderd/.test(other.log()),
  );
  calls.restore();
  requests.restore();
  await within(
    "coderd is in reach: a dev URL",
    RECOVERED,
    async () => (await app(other.port)).status === 200,
  );
  expect((await ask(`http://127.0.0.1:${other.port}/api/v2/users/me`)).status).toBe(200);
});

test("clients that do not read use little memory on any stream", async () => {
  const { id: agentId } = await agentReady(fleet, "dev");
  const port = await reservedPort();
  await succeed(fleet, ["ssh", "dev", "--", `setsid node -e "${ENDLESS}" ${port} > /dev/null 2>&1 &`]);
  const headers = { "Coder-Session-Token": fleet.token };
  const { hostname, port: frontPort } = new URL(fleet.url);
  const host = `${port}--main--dev--owner.localhost:${frontPort}`;
  const download = (path: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const options = { hostname, port: frontPort, path, headers: { ...headers, host } };
      httpGet(options, resolve).once("error", reject);
    });
  await waitFor(
    async () => {
      const { statusCode } = (await download("/little")).resume();
      return statusCode === 200;
    },
    { what: "the app to listen" },
  );
  const pids = [...fleet.pids("proxy"), ...fleet.pids("coderd"), ...agentPids(workspaceId)];
  const before = pids.map(memoryOf);

  const query = `reconnect=${crypto.randomUUID()}&command=yes&width=80&height=24`;
  const pty = `${fleet.url.replace("http", "ws")}/api/v2/workspaceagents/${agentId}/pty?${query}`;
  const terminal = new WebSocket(pty, { headers });
  terminal.on("error", () => {});
  await new Promise((done) => terminal.once("message", done));
  terminal.pause();
  const endless = await download("/");
  expect(endless.statusCode).toBe(200);
  const unread = [
    "sh",
    "-c",
    `"${EXECUTABLE}" ssh dev -- cat /dev/zero | (head -c 1; exec sleep 600)`,
  ] as const;
  const session = createPtyExpecter({ command: unread[0], args: unread.slice(1), env: fleet.env });
  await using _ = session;

  const begun = performance.now();
  let grown = 0;
  await waitFor(
    () => {
      grown = Math.max(grown, ...pids.map((pid, index) => memoryOf(pid) - before[index]!));
      return performance.now() - begun > seconds(READING_S);
    },
    { what: "the time to pass in which nobody reads", timeoutMs: seconds(2 * READING_S) },
  );
  terminal.terminate();
  endless.destroy();
  measured["nobody reads: the most that a process has grown, MB"] = Math.round(grown);
  expect(grown).toBeLessThan(HELD_MB);
});

/** An app in the workspace that sends endless data. */
const ENDLESS = `require('http').createServer((q,r)=>{if(q.url.endsWith('little'))return r.end('x');const b=Buffer.alloc(65536);const more=()=>{while(r.write(b));r.once('drain',more)};more()}).listen(process.argv[1],'127.0.0.1')`;
/** How long nobody reads; an unbounded buffer would grow by hundreds of megabytes. */
const READING_S = 10;

type Answer = { status: number; text: string; tookS: number };

async function ask(url: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  const begun = performance.now();
  const response = await fetch(url, {
    method,
    headers: { "Coder-Session-Token": fleet.token, ...headers },
    signal: AbortSignal.timeout(seconds(ASK_TIMEOUT)),
  });
  const text = await response.text();
  return { status: response.status, text, tookS: (performance.now() - begun) / 1_000 };
}

/** Opens the workspace's sample app through the proxy on this port. */
function app(port: number, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  return ask(`http://127.0.0.1:${port}/@owner/dev/apps/sample/`, headers, method);
}

async function statusOf(): Promise<string | undefined> {
  const { latest_build } = await workspaceOf(fleet, "dev");
  return latest_build.resources.flatMap((resource) => resource.agents ?? [])[0]?.status;
}

const entries = () => (existsSync(ledger) ? readFileSync(ledger, "utf8").trim().split("\n") : []);

/** Requests a workspace whose build takes this long, without waiting for it. */
async function build(name: string, takesS: number): Promise<void> {
  const template = await fleet.client.templateGetByName({
    params: { organization: "default", templateName: "slow" },
  });
  await fleet.client.workspaceCreate({
    params: { user: "me" },
    body: {
      name,
      template_id: template.id,
      rich_parameter_values: [{ name: "seconds", value: String(takesS) }],
    },
  });
}

async function ended(name: string): Promise<boolean> {
  const { latest_build } = await workspaceOf(fleet, name);
  if (latest_build.job.status === "failed") throw new Error(latest_build.job.error);
  return latest_build.status === "running" && entries().includes(`ended ${name}`);
}

/** A shell of our CLI through the relay that answers each line once. */
async function startShell() {
  const pty: PtyExpecter = createPtyExpecter({
    command: EXECUTABLE,
    args: ["ssh", "dev"],
    env: { ...fleet.env, CODER_URL: frontUrl },
    cols: 200,
  });
  const typed: string[] = [];
  pty.send("stty -echo; PS1=; echo read''y; while read line; do echo \"<$line>\"; done\r");
  await pty.expect("ready", seconds(20));
  const shell = {
    type(line: string) {
      typed.push(line);
      pty.send(`${line}\r`);
    },
    saw: (line: string) => pty.output().includes(`<${line}>`),
    async answers(line: string) {
      shell.type(line);
      await waitFor(() => shell.saw(line), { what: `the answer to ${line}` });
    },
    /** Every typed line was answered exactly once, in order. */
    expectOnceEach() {
      const answers = [...pty.output().matchAll(/<(\w+)>/g)].map((match) => match[1]);
      expect(answers).toEqual(typed);
    },
    [Symbol.asyncDispose]: () => pty[Symbol.asyncDispose](),
  };
  return shell;
}

/** Resident memory of the process, in MB. */
function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;
}

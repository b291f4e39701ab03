import { spawn } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createPtyExpecter, waitFor } from "@fleet/testkit";
import { EXECUTABLE, type Fleet, runCommand, startFleet } from "./harness/fleet.js";
import { agentReady, createLocalWorkspace, pushLocalTemplate, succeed } from "./harness/workspace.js";

/** Amount copied in each direction, in MB; `SIZE_MB=1000` for a whole gigabyte. */
const SIZE_MB = Number(process.env.SIZE_MB ?? 200);
/** Slow enough that the copies outlast the kills. */
const COPY_SECONDS = 40;

const KILLS = ["proxy", "coderd", "proxy"] as const;

let fleet: Fleet;
let folder: string;
beforeAll(async () => {
  fleet = await startFleet();
  folder = await mkdtemp(join(tmpdir(), "fleet-copies-"));
  await pushLocalTemplate(fleet);
  await createLocalWorkspace(fleet, "dev");
});
afterAll(async () => {
  await fleet?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test("input and output arrive once and in order while proxies and coderd are killed", async () => {
  await using terminal = createPtyExpecter({
    command: EXECUTABLE,
    args: ["ssh", "dev"],
    env: fleet.env,
    cols: 200,
  });
  terminal.send("stty -echo; PS1=; echo read''y; while read line; do echo \"<$line>\"; done; exit 5\r");
  await terminal.expect("ready");
  let typed = 0;
  const typeOne = () => terminal.send(`${++typed}\r`);
  for (const service of KILLS) {
    let isBack = false;
    const killed = fleet.kill(service).finally(() => {
      isBack = true;
    });
    await waitFor(
      () => {
        if (typed < 10_000) typeOne();
        return isBack;
      },
      { what: `${service} to be back`, timeoutMs: 60_000 },
    );
    await killed;
    typeOne();
    await terminal.expect(`<${typed}>`, 30_000);
  }
  terminal.send("\x04");
  expect(await terminal.exited).toMatchObject({ exitCode: 5 });
  const answers = [...terminal.output().matchAll(/<(\d+)>/g)].map((match) => Number(match[1]));
  expect(answers).toEqual(Array.from({ length: typed }, (_, index) => index + 1));
});

test(
  "files copied by scp while proxies and coderd are killed arrive whole",
  async () => {
    const file = join(folder, "sent");
    await writeRandom(file, SIZE_MB);
    const download = join(folder, "download");
    const digest = await digestOf(file);
    await scp(file, "host:original");
    const copies = [scp(file, "host:upload", ...limit()), scp("host:original", download, ...limit())];
    const kills = (async () => {
      const begun = ["ssh", "dev", "--", "test -s upload && echo begun"];
      await waitFor(async () => existsSync(download) && (await succeed(fleet, begun)) !== "", {
        what: "both copies to begin",
        timeoutMs: 30_000,
      });
      for (const service of KILLS) await fleet.kill(service);
      return "killed";
    })();
    // If a copy ends first, it failed or was too short for this test.
    const first = await Promise.race([...copies.map((copy) => copy.then(() => "copied")), kills]);
    await Promise.all([...copies, kills]);
    expect(first).toBe("killed");
    expect(await digestOf(download)).toBe(digest);
    expect(await succeed(fleet, ["ssh", "dev", "--", "sha256sum < upload"])).toBe(`${digest}  -\n`);
  },
  180_000 + SIZE_MB * 500,
);

test("killing the OpenSSH client ends its shell", async () => {
  const ssh = spawn("ssh", [...openSshOptions(), "-tt", "host", "echo $$ > pid; exec sleep 600"], {
    env: fleet.env,
    stdio: ["pipe", "ignore", "inherit"],
  });
  const isRunning = async () => (await fleet.coder(["ssh", "dev", "--", "kill -0 $(cat pid)"])).code === 0;
  await waitFor(isRunning, { what: "the command to run", timeoutMs: 30_000 });
  ssh.kill("SIGTERM");
  await waitFor(async () => !(await isRunning()), { what: "the command to end", timeoutMs: 30_000 });
});

test("stopping a workspace ends its sessions with a message", async () => {
  await agentReady(fleet, "dev");
  const session = fleet.coder(["ssh", "dev", "--", "touch here; exec sleep 600"]);
  await waitFor(() => succeed(fleet, ["ssh", "dev", "--", "ls here"]), {
    what: "the session to run",
    timeoutMs: 30_000,
  });
  await succeed(fleet, ["stop", "dev", "--yes"]);
  const { code, stderr } = await session;
  expect(code).toBe(255);
  expect(stderr).toMatch(/workspace( dev)? (is stopping|was stopped)/);
});

/** OpenSSH's scp over the CLI's `--stdio`; the workspace is `host`. */
async function scp(from: string, to: string, ...options: string[]): Promise<void> {
  const args = [...openSshOptions(), ...options, from, to];
  const { code, stderr } = await runCommand("scp", args, fleet.env);
  if (code !== 0) throw new Error(`scp ${from} ${to} ended with ${code}: ${stderr}`);
}

function openSshOptions(): string[] {
  const settings = [
    `ProxyCommand=${EXECUTABLE} ssh --stdio dev`,
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "LogLevel=ERROR",
  ];
  return settings.flatMap((each) => ["-o", each]);
}

/** scp's bandwidth limit, in Kbit/s. */
function limit(): string[] {
  return ["-l", String(Math.ceil((SIZE_MB * 8000) / COPY_SECONDS))];
}

async function writeRandom(file: string, megabytes: number): Promise<void> {
  await pipeline(function* () {
    for (let index = 0; index < megabytes; index++) yield randomFillSync(Buffer.alloc(1_000_000));
  }, createWriteStream(file));
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { LifecycleState } from "@fleet/proto-gen/agent";
import { startDeployment } from "./testing/deployment.js";
import { execute, sshClient } from "./testing/ssh.js";
import { waitFor } from "./testing/wait.js";

const root = join(import.meta.dirname, "../../..");

beforeAll(() => {
  execFileSync(process.execPath, [join(root, "scripts/build/build.mjs"), "agent"]);
});

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** Runs the bundle as `coder agent` does, after the words of another program if there are any. */
async function start(env: Record<string, string>, before: string[] = []) {
  const home = await mkdtemp(join(tmpdir(), "agent-main-"));
  const [file, ...args] = [...before, process.execPath, join(root, "dist/agent.cjs"), "agent"];
  const child = spawn(file!, args, {
    env: {
      PATH: process.env.PATH,
      HOME: home,
      CODER_AGENT_LOG_DIR: home,
      CODER_AGENT_SCRIPT_DATA_DIR: home,
      ...env,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  started.push(child);
  const stderr = text(child.stderr).catch(() => "");
  const exited = once(child, "exit").then(([code]) => code as number | null);
  return { child, home, stderr, exited };
}

test("a missing setting ends it with an error message", async () => {
  const { stderr, exited } = await start({ CODER_AGENT_URL: "http://127.0.0.1:1" });
  expect(await exited).toBe(1);
  expect(await stderr).toBe(
    "agent: Missing agent token. Set CODER_AGENT_TOKEN, or CODER_AGENT_TOKEN_FILE to a file that contains it.\n",
  );
});

test("SIGTERM runs the stop scripts and ends with 0; the token is in no log line", async () => {
  await using deployment = await startDeployment({
    scripts: [{ id: "s", logSourceId: "l", script: "true", runOnStop: true }],
  });
  const { child, exited, home, stderr } = await start({
    CODER_AGENT_URL: deployment.accessUrl,
    CODER_AGENT_TOKEN: "very-secret",
  });
  const states = () => deployment.calls("updateLifecycle").map((call) => call.state);
  await waitFor(() => states().includes(LifecycleState.READY));
  child.kill("SIGTERM");
  expect(await exited).toBe(0);
  expect(states().at(-1)).toBe(LifecycleState.OFF);
  expect(deployment.calls("scriptCompleted")).toHaveLength(1);
  const log = await readFile(join(home, "coder-agent.log"), "utf8");
  expect(log).toContain("Tunnel connected.");
  expect(log + (await stderr)).not.toContain("very-secret");
});

test("it keeps running when stderr is closed", async () => {
  await using deployment = await startDeployment({});
  const { child, exited, home } = await start({
    CODER_AGENT_URL: deployment.accessUrl,
    CODER_AGENT_TOKEN: "t",
  });
  await deployment.tunnel();
  child.stderr.destroy();
  deployment.cut();
  await deployment.tunnel();
  child.kill("SIGTERM");
  expect(await exited).toBe(0);
  expect(await readFile(join(home, "coder-agent.log"), "utf8")).not.toContain("not handled");
});

test("a deployment with a certificate from the machine's own CA is trusted, and no other", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agent-tls-"));
  const [key, cert] = [join(folder, "key"), join(folder, "cert")];
  const subject = ["-subj", "/CN=fleet test", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      key,
      "-out",
      cert,
      ...subject,
    ],
    { stdio: "ignore" },
  );
  await using deployment = await startDeployment(
    {},
    { key: await readFile(key, "utf8"), cert: await readFile(cert, "utf8") },
  );
  const env = { CODER_AGENT_URL: deployment.accessUrl, CODER_AGENT_TOKEN: "t" };
  const stranger = await start(env);
  const log = join(stranger.home, "coder-agent.log");
  await waitFor(async () => (await readFile(log, "utf8")).includes("self-signed certificate"));
  stranger.child.kill("SIGKILL");
  await stranger.exited;
  expect(deployment.calls("getManifest")).toHaveLength(0);

  const { child, exited } = await start({ ...env, SSL_CERT_FILE: cert });
  await deployment.tunnel();
  await waitFor(() => deployment.calls("connect").length > 0);
  child.kill("SIGTERM");
  expect(await exited).toBe(0);
});

test("as PID 1 it reaps zombies and forwards SIGTERM", async () => {
  await using deployment = await startDeployment({});
  const namespace = ["unshare", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"];
  const { exited } = await start(
    { CODER_AGENT_URL: deployment.accessUrl, CODER_AGENT_TOKEN: "t" },
    namespace,
  );
  const agent = { deployment } as Parameters<typeof sshClient>[0];
  await waitFor(() => deployment.calls("connect").length > 0);
  const client = await sshClient(agent);
  const orphan = await execute(client, "sh -c 'sleep 0.2 >/dev/null 2>&1 & echo $!'; cat /proc/1/comm");
  const [pid, first] = String(orphan.stdout).split("\n");
  expect(first).toBe("sh");
  await waitFor(async () => (await execute(client, `test ! -e /proc/${pid}`)).code === 0);
  const killed = await execute(client, "kill -TERM 1");
  expect(killed.code === 0 || killed.code === null).toBe(true);
  expect(await exited).toBe(0);
  expect(deployment.calls("updateLifecycle").at(-1).state).toBe(LifecycleState.OFF);
});

test("100 MB of script output use little memory, and the last lines are in the log file", async () => {
  const script = "head -c 100000000 /dev/zero | tr '\\0' x | fold -w 99; echo the-end";
  await using deployment = await startDeployment({
    scripts: [{ id: "s", logSourceId: "l", script, runOnStart: true, logPath: "flood.log" }],
  });
  const { child, exited, home } = await start({
    CODER_AGENT_URL: deployment.accessUrl,
    CODER_AGENT_TOKEN: "t",
  });
  const memory = async (name: string) => {
    const status = await readFile(`/proc/${child.pid}/status`, "utf8");
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)![1]) / 1024;
  };
  await waitFor(() => deployment.calls("getManifest").length > 0);
  const before = await memory("VmRSS");
  await waitFor(() => deployment.calls("scriptCompleted").length > 0);
  expect((await memory("VmHWM")) - before).toBeLessThan(64);
  expect((await readFile(join(home, "flood.log"), "utf8")).endsWith("the-end\n")).toBe(true);
  child.kill("SIGTERM");
  expect(await exited).toBe(0);
});

test("the agent starts on a read-only machine", async () => {
  await using deployment = await startDeployment({
    scripts: [{ id: "s", logSourceId: "l", script: "echo ran", runOnStart: true }],
  });
  // Everything is read-only there, /tmp, /run and the home too, but for one place, which holds nothing else.
  const spare = await mkdtemp(join(tmpdir(), "agent-spare-"));
  const script = `mount --bind ${spare} /dev/shm && mount -o remount,bind,ro / && mount --rbind /tmp /tmp && mount -o remount,bind,ro /tmp && exec "$@"`;
  const { exited, child, stderr } = await start(
    {
      CODER_AGENT_URL: deployment.accessUrl,
      CODER_AGENT_TOKEN: "t",
      HOME: "/nonexistent",
      CODER_AGENT_LOG_DIR: "/tmp",
      CODER_AGENT_SCRIPT_DATA_DIR: "/tmp",
    },
    ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh"],
  );
  const outputs = () =>
    deployment
      .calls("batchCreateLogs")
      .flatMap((call) => call.logs.map((log: { output: string }) => log.output));
  await waitFor(() => outputs().includes("ran")).catch(async (error) => {
    child.kill("SIGKILL");
    throw new Error(await stderr, { cause: error });
  });
  child.kill("SIGTERM");
  expect(await exited).toBe(0);
});

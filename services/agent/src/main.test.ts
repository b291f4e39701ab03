import { execFileSync, spawn } from "node:child_process";
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

/** Runs the bundle as `coder agent` does, after the words of another program if there are any. */
async function start(env: Record<string, string>, before: string[] = []) {
  const home = await mkdtemp(join(tmpdir(), "agent-main-"));
  const [file, ...args] = [...before, process.execPath, join(root, "dist/agent.cjs"), "agent"];
  const child = spawn(file!, args, {
    env: { PATH: process.env.PATH, HOME: home, CODER_AGENT_LOG_DIR: home, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const stderr = text(child.stderr);
  const exited = once(child, "exit").then(([code]) => code as number | null);
  return { child, home, stderr, exited };
}

test("a missing setting ends it with a sentence", async () => {
  const { stderr, exited } = await start({ CODER_AGENT_URL: "http://127.0.0.1:1" });
  expect(await exited).toBe(1);
  expect(await stderr).toBe("Set CODER_AGENT_TOKEN, or CODER_AGENT_TOKEN_FILE to a file that holds it.\n");
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
  expect(log).toContain("The tunnel is connected.");
  expect(log + (await stderr)).not.toContain("very-secret");
});

test("as PID 1 it leaves no zombie, and hands on SIGTERM", async () => {
  await using deployment = await startDeployment({});
  const namespace = ["unshare", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"];
  const { child, exited } = await start(
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
  child.kill("SIGKILL");
});

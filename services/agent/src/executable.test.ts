import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDeployment } from "./testing/deployment.js";
import { execute, sshClient } from "./testing/ssh.js";
import { waitFor } from "./testing/wait.js";

// Another processor's executable, as it ships, under an emulator: its own Node, bundles and terminal addon.

const ROOT = join(import.meta.dirname, "../../..");
const EMULATOR = ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"] as const;
const EXECUTABLE = join(ROOT, "dist/bin/coder-linux-arm64");
const LIMIT_MS = 180_000;

test(
  "the arm64 executable is an agent that runs commands and terminals",
  async () => {
    execFileSync(process.execPath, [join(ROOT, "scripts/build/build.mjs"), "agent", "cli"]);
    execFileSync(process.execPath, [join(ROOT, "scripts/build/executable.mjs"), "linux-arm64"]);
    const [emulator, ...options] = EMULATOR;
    expect(execFileSync(emulator, [...options, EXECUTABLE, "version"], { encoding: "utf8" })).toMatch(
      /^Coder v/,
    );

    await using deployment = await startDeployment({});
    const home = await mkdtemp(join(tmpdir(), "agent-arm64-"));
    const child = spawn(emulator, [...options, EXECUTABLE, "agent"], {
      env: {
        PATH: process.env.PATH,
        HOME: home,
        CODER_AGENT_LOG_DIR: home,
        CODER_AGENT_SCRIPT_DATA_DIR: home,
        CODER_AGENT_URL: deployment.accessUrl,
        CODER_AGENT_TOKEN: "t",
      },
      stdio: "ignore",
    });
    const exited = once(child, "exit");
    try {
      await waitFor(() => deployment.calls("connect").length > 0, LIMIT_MS);
      const agent = { deployment } as Parameters<typeof sshClient>[0];
      const client = await sshClient(agent);
      const command = await execute(client, "echo from the workspace");
      expect(String(command.stdout)).toBe("from the workspace\n");
      const terminal = await execute(client, "test -t 1 && echo a terminal", { pty: true });
      expect(String(terminal.stdout)).toContain("a terminal");
      client.end();
      child.kill("SIGTERM");
      expect((await exited)[0]).toBe(0);
    } finally {
      child.kill("SIGKILL");
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    }
  },
  LIMIT_MS,
);

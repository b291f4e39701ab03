import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, nullLogger, systemClock } from "@fleet/base";
import { createAgent } from "../agent.js";
import type { AgentConfig } from "../config.js";
import { fixedCredential } from "../identity/credential.js";
import { type Deployment, startDeployment } from "./deployment.js";

export type TestAgent = AsyncDisposable & { deployment: Deployment; home: string; shutdown(): Promise<void> };

/** An agent in this process with a home folder of its own, connected to a deployment in this process. */
export async function startAgent(
  manifest: Deployment["manifest"] = {},
  config: Partial<AgentConfig> = {},
  clock: Clock = systemClock,
): Promise<TestAgent> {
  const home = await mkdtemp(join(tmpdir(), "agent-test-"));
  const deployment = await startDeployment({
    agentName: "main",
    workspaceName: "ws",
    ownerName: "ana",
    ...manifest,
  });
  const agent = createAgent({
    config: {
      accessUrl: deployment.accessUrl,
      auth: "token",
      token: "secret",
      logDir: join(home, "log"),
      scriptDataDir: join(home, "scripts"),
      sshMaxTimeoutMs: 60_000,
      blockFileTransfer: false,
      reap: false,
      subsystems: [],
      devcontainers: { enabled: false, discovery: false, autostart: false },
      exitWithInput: false,
      ...config,
    },
    credential: fixedCredential("secret"),
    program: { execPath: process.execPath, script: undefined },
    env: { PATH: process.env.PATH, HOME: home },
    clock,
    logger: nullLogger,
    onShutdownAsked: () => void agent.shutdown(),
  });
  const running = agent.run();
  return {
    deployment,
    home,
    shutdown: () => agent.shutdown(),
    async [Symbol.asyncDispose]() {
      await agent.shutdown();
      await running;
      await deployment[Symbol.asyncDispose]();
      await rm(home, { recursive: true, force: true });
    },
  };
}

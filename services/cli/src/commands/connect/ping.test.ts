import type { Duplex } from "node:stream";
import ssh2 from "ssh2";
import { type Deployment, startDeployment } from "../../testing/deployment.js";
import { agent, build, buildInfo, workspace } from "../../testing/objects.js";
import { createTestCli, type TestCli } from "../../testing/run.js";

const HOST_KEY = ssh2.utils.generateKeyPairSync("ed25519").private;

let cli: TestCli;
beforeEach(async () => {
  cli = await createTestCli();
});
afterEach(() => cli[Symbol.asyncDispose]());

/** An SSH server that refuses global requests, as an agent's does for unknown forwards, or does not answer at all. */
function serveSsh(socket: Duplex, answers: boolean): void {
  const server = new ssh2.Server({ hostKeys: [HOST_KEY] }, (client) => {
    client.on("authentication", (request) => request.accept());
    client.on("request", (_accept, reject) => answers && reject?.());
    client.on("error", () => {});
  });
  server.injectSocket(socket as never);
}

function start(answers = true): Promise<Deployment> {
  const running = workspace({ name: "dev", latest_build: build({}, [agent({ name: "main" })]) });
  return startDeployment(
    { workspaceGetByName: () => running, buildInfo },
    { agentSsh: (socket) => serveSsh(socket, answers) },
  );
}

const ping = (deployment: Deployment, ...args: string[]) =>
  cli.run(["--url", deployment.url, "--token", "t", "ping", "dev", "-n", "3", "--wait", "1ms", ...args]);

test("pings share a connection, and the parts of the path are listed", async () => {
  await using deployment = await start();
  const { status, stdout, stderr } = await ping(deployment);
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining("3 pings, round trip") });
  const line = /^pong from dev\.main through 127\.0\.0\.1:\d+ in \d+\.\d ms$/;
  expect(stdout.trim().split("\n")).toEqual([1, 2, 3].map(() => expect.stringMatching(line)));
  for (const part of ["this machine ↔ proxy", "proxy ↔ workspace", "proxy ↔ coderd"])
    expect(stderr).toContain(part);
  const streams = deployment.requests.filter((request) => request.includes("/ssh"));
  // One stream, and the requests that the proxy itself refuses.
  expect(new Set(streams).size).toBe(1);
});

test("--utc prints the time of each response", async () => {
  await using deployment = await start();
  const { stdout } = await ping(deployment, "--utc");
  expect(stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z pong from dev\.main/);
});

test("a workspace that does not answer is an error", async () => {
  await using deployment = await start(false);
  const { status, stderr } = await ping(deployment, "--timeout", "300ms");
  expect(status).toBe(1);
  expect(stderr).toContain("No response within 300ms.");
});

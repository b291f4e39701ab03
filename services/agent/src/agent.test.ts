import { LifecycleState } from "@fleet/proto-gen/agent";
import { startAgent } from "./testing/agent.js";
import { execute, sshClient } from "./testing/ssh.js";
import { waitFor } from "./testing/wait.js";

const states = (deployment: { calls(method: "updateLifecycle"): { state: LifecycleState }[] }) =>
  deployment.calls("updateLifecycle").map((call) => call.state);

test("an agent starts, identifies itself, runs its scripts and becomes ready", async () => {
  await using agent = await startAgent({
    directory: "~/work",
    scripts: [
      {
        id: "s1",
        logSourceId: "l1",
        displayName: "Startup",
        script: "echo hello; echo oops >&2; mkdir -p work",
        runOnStart: true,
      },
      { id: "s2", logSourceId: "l2", displayName: "Stop", script: "echo bye", runOnStop: true },
    ],
  });
  const { deployment } = agent;
  await waitFor(() => states(deployment).includes(LifecycleState.READY));
  const [startup] = deployment.calls("updateStartup");
  expect(startup).toMatchObject({
    version: expect.stringMatching(/^v2/),
    expandedDirectory: `${agent.home}/work`,
  });
  expect(startup.sshHostPublicKey).toMatch(/^ssh-ed25519 /);
  await waitFor(() => deployment.calls("scriptCompleted").length === 1);
  expect(deployment.calls("scriptCompleted")[0]).toMatchObject({ exitCode: 0, stage: "start", status: "ok" });
  const lines = await waitFor(() => {
    const all = deployment.calls("batchCreateLogs").flatMap((call) => call.logs);
    return all.length === 2 && all.map((line: { output: string }) => line.output).sort();
  });
  expect(lines).toEqual(["hello", "oops"]);

  await agent.shutdown();
  expect(states(deployment)).toEqual([
    LifecycleState.STARTING,
    LifecycleState.READY,
    LifecycleState.SHUTTING_DOWN,
    LifecycleState.OFF,
  ]);
  expect(deployment.calls("scriptCompleted")[1]).toMatchObject({ scriptId: "s2", stage: "stop" });
});

test("a failing start script is reported as start_error", async () => {
  await using agent = await startAgent({
    scripts: [{ id: "s", logSourceId: "l", script: "exit 3", runOnStart: true }],
  });
  await waitFor(() => states(agent.deployment).includes(LifecycleState.START_ERROR));
  await waitFor(() => agent.deployment.calls("scriptCompleted").length === 1);
  expect(agent.deployment.calls("scriptCompleted")[0]).toMatchObject({ exitCode: 3, status: "exit_failure" });
});

test("the shutdown directive runs the stop scripts", async () => {
  await using agent = await startAgent({
    scripts: [{ id: "s", logSourceId: "l", script: "true", runOnStop: true }],
  });
  await waitFor(() => agent.deployment.calls("connect").length > 0);
  await agent.deployment.direct({ shutdown: true });
  await waitFor(() => states(agent.deployment).includes(LifecycleState.OFF));
  expect(agent.deployment.calls("scriptCompleted")).toHaveLength(1);
});

test("metadata and app health are reported, and follow a changed manifest", async () => {
  await using agent = await startAgent({
    metadata: [
      { key: "ok", script: "printf 42", intervalSeconds: 60n },
      { key: "big", script: "head -c 5000 /dev/zero | tr '\\0' x", intervalSeconds: 60n },
      { key: "bad", script: "echo why >&2; exit 7", intervalSeconds: 60n },
      { key: "slow", script: "sleep 60", intervalSeconds: 60n, timeoutSeconds: 1n },
    ],
    apps: [
      {
        id: "a",
        healthcheckUrl: "http://127.0.0.1:1/",
        healthcheckIntervalSeconds: 1,
        healthcheckThreshold: 1,
      },
    ],
  });
  const { deployment } = agent;
  const values = () =>
    new Map(
      deployment
        .calls("batchUpdateMetadata")
        .flatMap((call) => call.results)
        .map((each) => [each.key, each]),
    );
  await waitFor(() => values().size === 4);
  expect(values().get("ok")).toMatchObject({ value: "42", error: "" });
  expect(values().get("big").value).toHaveLength(2048);
  expect(values().get("bad").error).toBe("The script failed with exit code 7. why");
  expect(values().get("slow").error).toBe("The script timed out after 1 seconds.");
  await waitFor(() =>
    deployment
      .calls("batchUpdateAppHealths")
      .some((call) => call.updates.some((u: { health: number }) => u.health === 4)),
  );

  deployment.manifest = {
    ...deployment.manifest,
    metadata: [{ key: "later", script: "echo x", intervalSeconds: 60n }],
  };
  await deployment.direct({ manifestChanged: true });
  await waitFor(() => values().has("later"));
});

test("undelivered reports are delivered after a reconnect", async () => {
  await using agent = await startAgent({
    scripts: [
      {
        id: "s",
        logSourceId: "l",
        script: `while [ ! -e go ]; do sleep 0.02; done; echo late`,
        runOnStart: true,
      },
    ],
  });
  const { deployment } = agent;
  await waitFor(() => deployment.calls("connect").length > 0);
  deployment.cut();
  const { writeFile } = await import("node:fs/promises");
  await writeFile(`${agent.home}/go`, "");
  await waitFor(() => states(deployment).includes(LifecycleState.READY));
  await waitFor(() => deployment.calls("batchCreateLogs").length > 0);
});

test("a manifest with invalid values is applied as far as possible", async () => {
  await using agent = await startAgent({
    sshHostKey: "no key at all",
    directory: "/no/such\0folder",
    motdFile: "/proc/self/mem",
    environmentVariables: { GOOD: "yes", "A=B": "x", "": "x", ZERO: "a\0b", "N\0": "x" },
    scripts: [
      { id: "a", script: "", runOnStart: true },
      { id: "b", script: "#!", runOnStart: true, timeoutSeconds: -1 },
      {
        id: "c",
        script: "echo $GOOD",
        logSourceId: "lc",
        runOnStart: true,
        logPath: "/proc/no/log",
        cron: "@",
      },
      { id: "d", script: "#!/dev/null\n", runOnStart: true, timeoutSeconds: 2 ** 31 - 1 },
    ],
    metadata: [
      { key: "huge", script: "echo huge", intervalSeconds: 2n ** 53n, timeoutSeconds: -5n },
      { key: "odd", script: "#!/no/such", intervalSeconds: -1n },
    ],
    apps: [
      { id: "1", healthcheckUrl: "no url", healthcheckIntervalSeconds: -1 },
      {
        id: "2",
        healthcheckUrl: "ftp://x",
        healthcheckIntervalSeconds: 2 ** 31 - 1,
        healthcheckThreshold: -1,
      },
      { id: "3", healthcheckUrl: "http://localhost:99999/" },
    ],
  });
  const { deployment } = agent;
  await waitFor(() => deployment.calls("scriptCompleted").length === 4);
  await waitFor(() => deployment.calls("batchUpdateMetadata").length > 0);
  const lines = () => deployment.calls("batchCreateLogs").flatMap(({ logs }) => logs as { output: string }[]);
  await waitFor(() => lines().some(({ output }) => output === "yes"));
  const client = await sshClient(agent);
  expect(String((await execute(client, "echo $GOOD; pwd")).stdout)).toBe(`yes\n${agent.home}\n`);
  client.end();
});

test("when its prebuild is claimed, the agent starts again for the owner: sessions end, scripts run, the tunnel is another", async () => {
  const script = { logSourceId: "l", script: 'printf %s "$CODER_WORKSPACE_OWNER_NAME"', runOnStart: true };
  await using agent = await startAgent({
    agentId: "before",
    ownerName: "prebuilds",
    scripts: [{ ...script, id: "s" }],
  });
  const { deployment } = agent;
  await waitFor(() => states(deployment).includes(LifecycleState.READY));
  const before = await deployment.tunnel();
  const client = await sshClient(agent);
  const ended = new Promise<void>((resolve) => client.once("close", () => resolve()));

  deployment.manifest = {
    ...deployment.manifest,
    agentId: "after",
    ownerName: "ana",
    workspaceName: "mine",
    scripts: [{ ...script, id: "s2" }],
  };
  await deployment.direct({ reinitialize: true });
  await before.closed;
  await ended;
  await waitFor(() => deployment.calls("scriptCompleted").length === 2);
  expect(deployment.calls("scriptCompleted")[1]).toMatchObject({
    scriptId: "s2",
    stage: "start",
    status: "ok",
  });
  await waitFor(() => states(deployment).length === 4);
  expect(states(deployment)).toEqual([
    LifecycleState.STARTING,
    LifecycleState.READY,
    LifecycleState.STARTING,
    LifecycleState.READY,
  ]);
  const lines = await waitFor(() => {
    const all = deployment.calls("batchCreateLogs").flatMap((call) => call.logs);
    return all.length === 2 && all.map((line: { output: string }) => line.output);
  });
  expect(lines).toEqual(["prebuilds", "ana"]);
  // Sessions are served on the next tunnel.
  const again = await sshClient(agent);
  expect((await execute(again, 'printf %s "$CODER_WORKSPACE_NAME"')).stdout.toString()).toBe("mine");
  again.end();
});

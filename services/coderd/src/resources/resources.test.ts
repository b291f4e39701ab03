import { randomUUID } from "node:crypto";
import { createTestAgent } from "../testing/agents.js";
import { createTestCoderd } from "../testing/coderd.js";
import { built, createTemplate, createWorkspace, startProvisioner } from "../testing/work.js";

const resource = { name: "main", type: "null_resource", address: "null_resource.main" };
const agent = { name: "main", operatingSystem: "linux", architecture: "arm64" };

async function start() {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd());
  const owner = await server.owner();
  stack.use(await startProvisioner(server)).serve();
  return { server, owner, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test("the scripts and apps of a dev container belong to a sub-agent, not to its parent", async () => {
  await using test = await start();
  const token = randomUUID();
  const script = (displayName: string) => ({
    displayName,
    script: "true",
    runOnStart: true,
    address: displayName,
  });
  const template = await createTemplate(test.owner, {
    resources: [
      {
        ...resource,
        agents: [
          {
            ...agent,
            auth: { case: "token", value: token },
            scripts: [script("Around")],
            devcontainers: [
              {
                name: "my_repo",
                agentName: "my-repo",
                workspaceFolder: "/repo",
                configPath: "/repo/dev.json",
                subagentId: randomUUID(),
                apps: [{ slug: "code", url: "http://localhost:1" }],
                scripts: [script("Inside")],
                extraEnvs: [{ name: "WHERE", value: "inside", mergeStrategy: "replace" }],
              },
            ],
          },
        ],
      },
    ],
  });
  const workspace = await createWorkspace(test.owner, template);
  const agents = (await built(test.owner, workspace)).resources[0]!.agents!;
  const parent = agents.find(({ name }) => name === "main")!;
  const inside = agents.find(({ name }) => name === "my-repo")!;
  expect(parent).toMatchObject({ parent_id: null, scripts: [{ display_name: "Around" }], apps: [] });
  expect(inside).toMatchObject({
    parent_id: parent.id,
    status: "connecting",
    architecture: "arm64",
    directory: "/repo",
    environment_variables: { WHERE: "inside" },
    scripts: [{ display_name: "Inside" }],
    apps: [{ slug: "code" }],
    connection_timeout_seconds: 0,
  });
  using connected = await createTestAgent(test.server, token);
  const manifest = await connected.client.getManifest({});
  expect(manifest.devcontainers).toMatchObject([
    { name: "my_repo", workspaceFolder: "/repo", configPath: "/repo/dev.json", subagentId: inside.id },
  ]);
  expect(manifest).toMatchObject({ parentId: "", scripts: [{ displayName: "Around" }], apps: [] });

  // A second build stores agents of its own, under the same ids of the template.
  await test.owner.client.workspaceBuildCreate({
    params: { workspace: workspace.id },
    body: { transition: "start" },
  });
  const again = (await built(test.owner, workspace)).resources[0]!.agents!;
  expect(again.map(({ name }) => name).sort()).toEqual(["main", "my-repo"]);

  // It is no agent of a machine: whether its container runs says nothing of the workspace.
  const search = (q: string) => test.owner.client.workspaceList({ query: { q } });
  await connected.connect();
  const { health } = await test.owner.client.workspaceGet({ params: { workspace: workspace.id } });
  expect(health).toEqual({ healthy: true, failing_agents: [] });
  expect((await search("has-agent:connecting")).count).toBe(0);
  expect((await search("has-agent:connected healthy:true")).count).toBe(1);
});

test("the script order is in the agent manifest, by script ID", async () => {
  await using test = await start();
  const token = randomUUID();
  const template = await createTemplate(test.owner, {
    resources: [
      {
        ...resource,
        agents: [
          {
            ...agent,
            auth: { case: "token", value: token },
            scripts: [
              {
                displayName: "B",
                address: "coder_script.b",
                script: "b",
                runOnStart: true,
                after: [{ address: "coder_script.a", anyOutcome: true }, { address: "coder_script.gone" }],
              },
              { displayName: "A", address: "coder_script.a", script: "a", runOnStart: true },
            ],
          },
        ],
      },
    ],
  });
  await built(test.owner, await createWorkspace(test.owner, template));
  using connected = await createTestAgent(test.server, token);
  const { scripts } = await connected.client.getManifest({});
  const [a, b] = ["A", "B"].map((name) => scripts.find(({ displayName }) => displayName === name)!);
  expect(a!.after).toEqual([]);
  expect(b!.after).toMatchObject([{ scriptId: a!.id, anyOutcome: true }]);
  // A script that was skipped has a timing as others have.
  await connected.client.scriptCompleted({ scriptId: b!.id, stage: "start", status: "skipped" });
  const workspace = (await test.owner.client.workspaceList({})).workspaces[0]!;
  const timings = await test.owner.client.workspaceTimings({ params: { workspace: workspace.id } });
  expect(timings.agent_script_timings).toMatchObject([{ display_name: "B", status: "skipped" }]);
});

test("presets return their prebuild schedule", async () => {
  await using test = await start();
  const template = await createTemplate(test.owner, {
    presets: [
      {
        name: "Large",
        prebuildInstances: 2,
        prebuildTtlSeconds: 7200n,
        prebuildTimezone: "Europe/Berlin",
        prebuildSchedules: [{ cron: "* 8-18 * * 1-5", instances: 5 }],
      },
      { name: "Small" },
    ],
  });
  const presets = await test.owner.client.templateVersionPresets({
    params: { version: template.active_version_id },
  });
  const of = (name: string) => presets.find(({ Name }) => Name === name);
  expect(of("Large")).toMatchObject({
    DesiredPrebuildInstances: 2,
    PrebuildTTLSeconds: 7200,
    PrebuildScheduling: {
      Timezone: "Europe/Berlin",
      Schedules: [{ Cron: "* 8-18 * * 1-5", Instances: 5 }],
    },
  });
  expect(of("Small")).toMatchObject({ PrebuildTTLSeconds: 0, PrebuildScheduling: null });
});

import { FleetError } from "@fleet/base";
import { startDeployment } from "../../testing/deployment.js";
import { agent, build, workspace } from "../../testing/objects.js";
import { createTestCli } from "../../testing/run.js";

const NOW = "2026-11-24T09:00:00Z";

function external(...names: string[]) {
  const latest = build();
  const agents = names.map((name) => agent({ name }));
  const resource = {
    id: latest.id,
    created_at: NOW,
    job_id: latest.job.id,
    workspace_transition: "start" as const,
    type: "coder_external_agent",
    name: "machine",
    hide: false,
    icon: "",
    daily_cost: 0,
  };
  return workspace({ name: "metal", latest_build: { ...latest, resources: [{ ...resource, agents }] } });
}

async function run(found: ReturnType<typeof external>, args: string[]) {
  await using cli = await createTestCli();
  await using deployment = await startDeployment({
    workspaceGetByName: () => found,
    workspaceList: ({ query }) => {
      if (!query.get("q")!.startsWith("has-external-agent:true"))
        throw new FleetError("internal", "wrong search");
      return { workspaces: [found], count: 1 };
    },
    workspaceExternalAgentCredentials: ({ params }) => ({
      agent_token: "secret",
      command: `start ${params.agentName}`,
    }),
  });
  return await cli.run([
    "--url",
    deployment.url,
    "--token",
    "0123456789-secret",
    "external-workspaces",
    ...args,
  ]);
}

test("agent-instructions prints the command of the only external agent", async () => {
  expect(await run(external("main"), ["agent-instructions", "metal"])).toMatchObject({
    status: 0,
    stdout: "start main\n",
  });
  const { stdout } = await run(external("main", "gpu"), ["agent-instructions", "metal.gpu", "-o", "json"]);
  expect(JSON.parse(stdout)).toEqual({ agent_name: "gpu", agent_token: "secret", command: "start gpu" });
});

test("agent-instructions asks for one of several agents, and refuses unknown ones", async () => {
  const several = await run(external("main", "gpu"), ["agent-instructions", "metal"]);
  expect(several).toMatchObject({ status: 1, stderr: expect.stringContaining("metal.main") });
  const unknown = await run(external("main"), ["agent-instructions", "metal.tpu"]);
  expect(unknown.stderr).toContain('no external agent "tpu". Valid values: main.');
  expect((await run(external(), ["agent-instructions", "metal"])).stderr).toContain("has no external agent");
});

test("list searches for external workspaces", async () => {
  expect((await run(external("main"), ["list"])).stdout).toContain("/metal");
});

import { createTestCoderd, type TestUser } from "../testing/coderd.js";
import { built, createTemplate, createWorkspace, ONE_AGENT, startProvisioner } from "../testing/work.js";

const state = async ({ client }: TestUser, build: { id: string }) =>
  (await client.workspaceBuildState({ params: { build: build.id } })).text();

test("a workspace is created, stopped, started and deleted", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const { client } = owner;
  const template = await createTemplate(owner, { ...ONE_AGENT, apply: { logs: [{ output: "made it" }] } });
  const workspace = await createWorkspace(owner, template);
  expect(workspace.latest_build).toMatchObject({ build_number: 1, transition: "start", reason: "initiator" });

  const started = await built(owner, workspace);
  expect(started.job.error).toBeUndefined();
  expect(started).toMatchObject({ status: "running", template_version_id: template.active_version_id });
  expect(started.resources[0]).toMatchObject({
    name: "main",
    agents: [{ name: "main", status: "connecting" }],
  });
  expect(await state(owner, started)).toBe('{"echo":1}');
  const logs = await client.workspaceBuildLogs({ params: { build: started.id } });
  expect(logs.map(({ output }) => output)).toEqual(["made it"]);

  const build = (transition: "start" | "stop" | "delete") =>
    client.workspaceBuildCreate({ params: { workspace: workspace.id }, body: { transition } });
  await build("stop");
  const stopped = await built(owner, workspace);
  expect(stopped).toMatchObject({ status: "stopped", build_number: 2, resources: [] });
  await build("start");
  expect(await built(owner, workspace)).toMatchObject({ status: "running", build_number: 3 });
  await build("delete");
  expect(await built(owner, workspace)).toMatchObject({ status: "deleted", build_number: 4 });
  await expect(client.workspaceGet({ params: { workspace: workspace.id } })).rejects.toMatchObject({
    code: "not_found",
  });
  expect((await client.workspaceList()).count).toBe(0);
});

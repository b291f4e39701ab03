import { createTestAgent } from "../testing/agents.js";
import { createTestCoderd } from "../testing/coderd.js";
import { built, createTemplate, createWorkspace, startProvisioner } from "../testing/work.js";

const agent = { operatingSystem: "linux", architecture: "amd64" };

async function start() {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd({ env: { CODER_ACCESS_URL: "https://coder.test" } }));
  const owner = await server.owner();
  stack.use(await startProvisioner(server)).serve();
  const resource = (type: string, name: string, more: object = {}) => ({
    name,
    type,
    address: `${type}.${name}`,
    agents: [{ ...agent, name, ...more }],
  });
  const resources = [
    resource("coder_external_agent", "outside"),
    resource("coder_external_agent", "desk", { operatingSystem: "windows" }),
    resource("coder_external_agent", "cloud", { auth: { case: "instanceId", value: "i-1" } }),
    resource("null_resource", "inside"),
  ];
  const template = await createTemplate(owner, { resources, stopResources: resources.slice(3) });
  const workspace = await createWorkspace(owner, template);
  await built(owner, workspace);
  const credentials = (agentName: string, client = owner.client) =>
    client.workspaceExternalAgentCredentials({ params: { workspace: workspace.id, agentName } });
  return {
    server,
    owner,
    template,
    workspace,
    credentials,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("an external agent's credentials are its token and a command that starts it", async () => {
  await using test = await start();
  const { agent_token, command } = await test.credentials("outside");
  expect(command).toBe(
    `curl -fsSL "https://coder.test/api/v2/init-script/linux/amd64" | CODER_AGENT_TOKEN="${agent_token}" sh`,
  );
  using connected = await createTestAgent(test.server, agent_token);
  expect(await connected.client.getManifest({})).toMatchObject({ agentName: "outside" });
  const desk = await test.credentials("DESK");
  expect(desk.command).toBe(
    `$env:CODER_AGENT_TOKEN="${desk.agent_token}"; iwr -useb "https://coder.test/api/v2/init-script/windows/amd64" | iex`,
  );
  expect(desk.agent_token).not.toBe(agent_token);
});

test("only external agents have credentials, and only users with shell access get them", async () => {
  await using test = await start();
  await expect(test.credentials("inside")).rejects.toMatchObject({
    code: "not_found",
    message: 'The workspace has no external agent named "inside".',
  });
  await expect(test.credentials("cloud")).rejects.toMatchObject({ code: "failed_precondition" });
  const admin = await test.server.user(test.owner, { roles: ["template-admin"] });
  await expect(test.credentials("outside", admin.client)).rejects.toMatchObject({
    code: "permission_denied",
  });
  const other = await test.server.user(test.owner);
  await expect(test.credentials("outside", other.client)).rejects.toMatchObject({ code: "not_found" });
});

test("versions, builds and searches say whether there is an external agent", async () => {
  await using test = await start();
  const { client } = test.owner;
  const version = await client.templateVersionGet({ params: { version: test.template.active_version_id } });
  expect(version.has_external_agent).toBe(true);
  const count = async (q: string) => (await client.workspaceList({ query: { q } })).count;
  const workspace = await client.workspaceGet({ params: { workspace: test.workspace.id } });
  expect(workspace.latest_build.has_external_agent).toBe(true);
  expect(await count("has-external-agent:true")).toBe(1);
  await client.workspaceBuildCreate({
    params: { workspace: test.workspace.id },
    body: { transition: "stop" },
  });
  expect((await built(test.owner, test.workspace)).has_external_agent).toBe(false);
  expect(await count("has-external-agent:true")).toBe(0);
  await expect(test.credentials("outside")).rejects.toMatchObject({ code: "not_found" });
});

import { randomUUID } from "node:crypto";
import { waitFor } from "@fleet/testkit";
import { createAgentWorkspace, createTestAgent } from "../testing/agents.js";
import { createTestCoderd } from "../testing/coderd.js";
import { startProvisioner } from "../testing/work.js";

async function start() {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd());
  const owner = await server.owner();
  stack.use(await startProvisioner(server)).serve();
  const made = await createAgentWorkspace(owner, owner);
  const agent = stack.use(await createTestAgent(server, made.token));
  const containers = () => owner.client.agentContainersGet({ params: { agent: made.agentId }, query: {} });
  return { ...made, server, owner, agent, containers, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const PROJECT = {
  name: "app",
  directory: "/workspaces/app",
  operatingSystem: "linux",
  architecture: "amd64",
  displayApps: ["web_terminal"],
  apps: [{ slug: "docs", url: "http://localhost:1", share: "public" }],
};

test("containers and dev containers are returned as reported, without what is invalid", async () => {
  await using test = await start();
  expect(await test.containers()).toEqual({ devcontainers: [], containers: [], warnings: [] });
  const id = randomUUID();
  const container = {
    id: "c1",
    name: "busy",
    image: "debian",
    running: true,
    status: "Up",
    labels: { a: "b" },
  };
  const report = (status: string) =>
    test.agent.client.reportContainers({
      devcontainers: [
        { id, name: "app", workspaceFolder: "/home/app", containerId: "c1", status },
        { id: "not an id", name: "bad", status: "running" },
      ],
      containers: [{ ...container, ports: [{ port: 80, network: "tcp", hostPort: 8080 }] }],
    });
  await report("running");
  const { devcontainers, containers } = await test.containers();
  expect(devcontainers).toEqual([
    expect.objectContaining({ id, status: "running", dirty: false, container: containers[0] }),
  ]);
  expect(containers).toEqual([
    expect.objectContaining({ ...container, ports: [{ port: 80, network: "tcp", host_port: 8080 }] }),
  ]);
  const labelled = (label: string) =>
    test.owner.client.agentContainersGet({ params: { agent: test.agentId }, query: { label } });
  expect((await labelled("a=b")).containers).toHaveLength(1);
  expect((await labelled("a=c")).containers).toHaveLength(0);

  const watch = test.owner.client.agentContainersWatch({ params: { agent: test.agentId } });
  const updates = watch[Symbol.asyncIterator]();
  expect((await updates.next()).value!.devcontainers[0]).toMatchObject({ status: "running" });
  await report("stopped");
  expect((await updates.next()).value!.devcontainers[0]).toMatchObject({ status: "stopped" });
  await updates.return?.();

  // Its log has a source of its own.
  const { log_sources } = await test.owner.client.agentGet({ params: { agent: test.agentId } });
  expect(log_sources).toContainEqual(expect.objectContaining({ id, display_name: "Dev Container (app)" }));
});

test("a user's request to recreate or delete a dev container reaches the agent", async () => {
  await using test = await start();
  const params = { agent: test.agentId, devcontainer: randomUUID() };
  await expect(test.owner.client.agentDevcontainerRecreate({ params })).rejects.toMatchObject({
    code: "not_found",
  });
  const stream = test.agent.client.connect();
  const directives = stream[Symbol.asyncIterator]();
  await stream.send({ bootId: "1" });
  await directives.next();
  const report = (status: string) =>
    test.agent.client.reportContainers({ devcontainers: [{ id: params.devcontainer, name: "app", status }] });
  await report("running");
  // The greeting is sent before the stream listens.
  const asked = directives.next();
  let isThere = false;
  void asked.then(() => (isThere = true));
  await waitFor(
    async () => {
      await test.owner.client.agentDevcontainerRecreate({ params });
      return isThere;
    },
    { what: "the request to arrive" },
  );
  expect((await asked).value!.devcontainerAct).toMatchObject({
    devcontainerId: params.devcontainer,
    act: "recreate",
  });
  await report("starting");
  await expect(test.owner.client.agentDevcontainerDelete({ params })).rejects.toMatchObject({
    message: "The dev container is starting. Try again when that has ended.",
  });
  stream.end();
});

test("an agent gives tokens to the agents in its dev containers, to nobody else's", async () => {
  await using test = await start();
  await test.owner.client.templateUpdate({
    params: { template: test.template.id },
    body: { max_port_share_level: "organization" },
  });
  const create = (more = {}) => test.agent.client.createSubAgent({ ...PROJECT, ...more });
  const first = await create();
  expect(first.name).toBe("app");
  const get = () => test.owner.client.agentGet({ params: { agent: first.id } });
  expect(await get()).toMatchObject({
    parent_id: test.agentId,
    directory: PROJECT.directory,
    // A devcontainer.json comes from a repository: it shares nothing wider than the template allows for ports.
    apps: [{ slug: "docs", sharing_level: "organization" }],
  });
  {
    await using inside = await createTestAgent(test.server, first.token);
    expect(await inside.client.getManifest({})).toMatchObject({ agentName: "app", parentId: test.agentId });
    await expect(inside.client.createSubAgent({ ...PROJECT, name: "deeper" })).rejects.toMatchObject({
      message: "An agent in a dev container cannot start dev containers.",
    });
  }

  // The same again has a new token, and the earlier one is void.
  const again = await create({ apps: [] });
  expect([again.id, again.name]).toEqual([first.id, "app"]);
  expect((await get()).apps).toEqual([]);
  await expect(createTestAgent(test.server, first.token)).rejects.toMatchObject({ code: "unauthenticated" });

  // Names are unique in the workspace.
  expect((await create({ name: "main" })).name).toBe("main-2");
  await expect(create({ name: "not a name" })).rejects.toMatchObject({ code: "invalid_argument" });
  await expect(create({ id: randomUUID() })).rejects.toMatchObject({ code: "not_found" });
  await expect(create({ id: test.agentId })).rejects.toMatchObject({ code: "not_found" });

  await test.agent.client.deleteSubAgent({ id: test.agentId });
  await test.agent.client.deleteSubAgent({ id: first.id });
  await expect(get()).rejects.toMatchObject({ code: "not_found" });
  expect(await test.owner.client.agentGet({ params: { agent: test.agentId } })).toMatchObject({
    name: "main",
  });
});

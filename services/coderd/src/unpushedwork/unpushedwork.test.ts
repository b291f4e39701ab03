import { waitFor } from "@fleet/testkit";
import { dataOnStop } from "../builds/data-loss.js";
import { createAgentWorkspace, createTestAgent } from "../testing/agents.js";
import { createTestCoderd } from "../testing/coderd.js";
import { built, startProvisioner } from "../testing/work.js";
import { sentenceOf } from "./report.js";

const FOUND = {
  path: "/home/ana/shop",
  changedFiles: 3,
  stashes: 1,
  branches: [{ name: "feature", commits: 2, hasUpstream: false }],
  onEphemeralStorage: true,
};

/** A running workspace, and its agent. */
async function start() {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd());
  const owner = await server.owner();
  stack.use(await startProvisioner(server)).serve();
  const made = await createAgentWorkspace(owner, owner);
  const agent = stack.use(await createTestAgent(server, made.token));
  const params = { workspace: made.workspace.id };
  return {
    ...made,
    params,
    server,
    owner,
    agent,
    report: (repositories: (typeof FOUND)[], complete = true) =>
      agent.client.reportUnpushedWork({ complete, repositories }),
    read: () => owner.client.workspaceUnpushedWork({ params }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("what an agent finds is kept when its workspace stops", async () => {
  await using test = await start();
  expect(await test.read()).toEqual({
    unavailable: "no_report",
    collected_at: null,
    complete: true,
    repositories: [],
  });
  expect((await test.agent.client.getManifest({})).checkUnpushedWork).toBe(true);
  await test.report([FOUND], false);
  await test.owner.client.workspaceBuildCreate({ params: test.params, body: { transition: "stop" } });
  await built(test.owner, test.workspace);
  expect(await test.read()).toEqual({
    collected_at: expect.any(String),
    complete: false,
    repositories: [
      {
        agent_name: "main",
        path: "/home/ana/shop",
        changed_files: 3,
        stashes: 1,
        branches: [{ name: "feature", commits: 2, has_upstream: false }],
        lost_on_stop: false,
      },
    ],
  });
});

test("a connected agent looks again before the answer", async () => {
  await using test = await start();
  await test.report([FOUND]);
  const control = test.agent.client.connect();
  await control.send({ bootId: "1" });
  const directives = control[Symbol.asyncIterator]();
  await directives.next();
  const reading = test.read();
  const asked = await directives.next();
  expect(asked.value).toMatchObject({ reportUnpushedWork: true });
  // Pushed meanwhile.
  await test.report([]);
  expect((await reading).repositories).toEqual([]);
  control.end();
});

test("the template and the user can turn the check off", async () => {
  await using test = await start();
  await test.report([FOUND]);
  const template = (check_unpushed_work: boolean) =>
    test.owner.client.templateUpdate({
      params: { template: test.template.id },
      body: { check_unpushed_work },
    });
  const params = { user: "me" };
  await template(false);
  expect(await test.read()).toMatchObject({ unavailable: "template", repositories: [] });
  expect((await test.agent.client.getManifest({})).checkUnpushedWork).toBe(false);
  await template(true);
  expect(await test.owner.client.userUnpushedWorkCheck({ params })).toEqual({ enabled: true });
  await test.owner.client.userUnpushedWorkCheckUpdate({ params, body: { enabled: false } });
  expect(await test.owner.client.userUnpushedWorkCheck({ params })).toEqual({ enabled: false });
  expect(await test.read()).toMatchObject({ unavailable: "user", repositories: [] });
  // An agent that does not know of it yet.
  await test.report([FOUND, FOUND]);
  await test.owner.client.userUnpushedWorkCheckUpdate({ params, body: { enabled: true } });
  expect((await test.read()).repositories).toHaveLength(1);
});

test("who is told that a dormant workspace will be deleted is told what that loses", async () => {
  await using test = await start();
  const { client } = test.owner;
  const ben = await test.server.user(test.owner, { username: "ben", roles: ["owner"] });
  await client.templateUpdate({
    params: { template: test.template.id },
    body: { time_til_dormant_autodelete_ms: 24 * 3_600_000 },
  });
  await test.report([FOUND]);
  await ben.client.workspaceDormancyUpdate({ params: test.params, body: { dormant: true } });
  await client.templateUpdate({
    params: { template: test.template.id },
    body: { time_til_dormant_autodelete_ms: 48 * 3_600_000 },
  });
  const contents = await waitFor(
    async () => {
      const { notifications } = await client.inboxList();
      const found = notifications.filter(({ title }) => /marked/.test(title)).map(({ content }) => content);
      return found.length === 2 ? found : undefined;
    },
    { what: "both notifications" },
  );
  for (const content of contents)
    expect(content).toContain("Deleting it also deletes uncommitted or unpushed work in: /home/ana/shop.");
});

test("whatever an agent reports is limited", async () => {
  await using test = await start();
  const hostile = {
    ...FOUND,
    path: `/\0${"x".repeat(5_000)}`,
    changedFiles: -5,
    branches: Array.from({ length: 500 }, () => FOUND.branches[0]!),
  };
  await test.report(Array.from({ length: 500 }, () => hostile));
  const { repositories } = await test.read();
  expect(repositories).toHaveLength(100);
  expect(repositories[0]!.branches).toHaveLength(20);
  expect(repositories[0]!.path.length).toBeLessThanOrEqual(1_024);
  expect(repositories[0]!.changed_files).toBe(0);
});

test("other users cannot see it", async () => {
  await using test = await start();
  const ben = await test.server.user(test.owner, { username: "ben" });
  await expect(ben.client.workspaceUnpushedWork({ params: test.params })).rejects.toMatchObject({
    code: "not_found",
  });
  await expect(
    ben.client.userUnpushedWorkCheckUpdate({ params: { user: "owner" }, body: { enabled: false } }),
  ).rejects.toMatchObject({ code: "not_found" });
});

test.each([
  ["all_lost", ["docker_container.main"], []],
  ["all_lost", ["docker_container.main"], ["random_id.name"]],
  ["depends_on_storage", ["docker_container.main", "docker_volume.home"], ["docker_volume.home"]],
  ["depends_on_storage", ["module.x.docker_container.main"], ["module.x.docker_volume.home"]],
  ["unknown", ["null_resource.main"], []],
  ["unknown", ["aws_instance.main"], ["aws_instance.main"]],
])("a stop: %s if it destroys %j and keeps %j", (outcome, started, kept) => {
  expect(dataOnStop({ started: new Set(started), kept: new Set(kept) })).toBe(outcome);
});

test("a sentence names a few repositories and counts the others", () => {
  const paths = (count: number) => [
    { repositories: Array.from({ length: count }, (_, i) => ({ ...FOUND, path: `/r${i}` })) },
  ];
  expect(sentenceOf([])).toBe("");
  expect(sentenceOf(paths(1))).toBe("Deleting it also deletes uncommitted or unpushed work in: /r0.");
  expect(sentenceOf(paths(7))).toMatch(/in: \/r0, \/r1, \/r2, \/r3, \/r4, 2 more\.$/);
});

import { createTestCoderd } from "../testing/coderd.js";
import { built, createTemplate, createWorkspace, ONE_AGENT, startProvisioner } from "../testing/work.js";

const field = (name: string) => ({ code: "invalid_argument", validations: [{ field: name }] });

test("workspaces are searched, and visible only to those with access", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner, {
    ...ONE_AGENT,
    parameters: [{ name: "region", type: "string", mutable: true, defaultValue: "eu" }],
  });
  const dev = await createWorkspace(ana, template, { name: "dev" });
  const test = await createWorkspace(ana, template, {
    name: "test",
    rich_parameter_values: [{ name: "region", value: "us" }],
  });
  const own = await createWorkspace(owner, template, { name: "dev" });
  for (const workspace of [dev, test, own]) await built(owner, workspace);
  await ana.client.workspaceBuildCreate({ params: { workspace: test.id }, body: { transition: "stop" } });
  await built(ana, test);
  await ana.client.workspaceFavorite({ params: { workspace: test.id } });

  const names = async (q: string, user = owner) =>
    (await user.client.workspaceList({ query: { q } })).workspaces.map((w) => `${w.owner_name}/${w.name}`);
  expect(await names("")).toEqual(["owner/dev", "ana/dev", "ana/test"]);
  expect(await names("", ana)).toEqual(["ana/test", "ana/dev"]);
  expect(await names("owner:me")).toEqual(["owner/dev"]);
  expect(await names("ana/dev")).toEqual(["ana/dev"]);
  expect(await names("status:stopped")).toEqual(["ana/test"]);
  expect(await names("status:running owner:ana")).toEqual(["ana/dev"]);
  expect(await names("param:region=us")).toEqual(["ana/test"]);
  expect(await names("template:echo es")).toEqual(["ana/test"]);
  expect(await names("has-agent:connecting")).toEqual(["owner/dev", "ana/dev"]);
  expect(await names("has-agent:connected")).toEqual([]);
  expect(await names("outdated:true")).toEqual([]);
  await expect(names("colour:red")).rejects.toMatchObject(field("q"));
  const page = await owner.client.workspaceList({ query: { limit: 1, offset: 1 } });
  expect(page).toMatchObject({ count: 3, workspaces: [{ id: dev.id }] });
  await expect(ana.client.workspaceGet({ params: { workspace: own.id } })).rejects.toMatchObject({
    code: "not_found",
  });
});

test("invalid input creates no workspace, and the field is named", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner, {
    ...ONE_AGENT,
    parameters: [
      { name: "cpu", type: "number", required: true, mutable: true, validation: { min: 1n, max: 8n } },
      { name: "disk", type: "number", mutable: false, defaultValue: "10" },
    ],
  });
  const cpu = (value: string) => [{ name: "cpu", value }];
  await expect(createWorkspace(owner, template)).rejects.toMatchObject(field("cpu"));
  await expect(createWorkspace(owner, template, { rich_parameter_values: cpu("9") })).rejects.toMatchObject(
    field("cpu"),
  );
  await expect(createWorkspace(owner, template, { name: "no spaces" })).rejects.toMatchObject(field("name"));
  const create = (body: object) =>
    owner.client.workspaceCreate({ params: { user: "me" }, body: { name: "dev", ...body } });
  await expect(create({})).rejects.toMatchObject(field("template_id"));
  await expect(
    create({ template_id: template.id, ttl_ms: 5, rich_parameter_values: cpu("2") }),
  ).rejects.toMatchObject(field("ttl_ms"));
  const workspace = await createWorkspace(owner, template, { rich_parameter_values: cpu("2") });
  await expect(createWorkspace(owner, template, { rich_parameter_values: cpu("2") })).rejects.toMatchObject({
    code: "conflict",
    validations: [{ field: "name" }],
  });
  const first = await built(owner, workspace);
  const build = (rich_parameter_values: { name: string; value: string }[]) =>
    owner.client.workspaceBuildCreate({
      params: { workspace: workspace.id },
      body: { transition: "start", rich_parameter_values },
    });
  await expect(build([{ name: "disk", value: "20" }])).rejects.toMatchObject(field("disk"));
  const second = await build([]);
  for (const { id } of [first, second]) {
    expect(await owner.client.workspaceBuildParameters({ params: { build: id } })).toEqual([
      { name: "cpu", value: "2" },
      { name: "disk", value: "10" },
    ]);
  }
});

test("schedules, dormancy and names are stored", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const { client } = owner;
  const workspace = await createWorkspace(owner, await createTemplate(owner));
  await built(owner, workspace);
  const params = { workspace: workspace.id };
  await client.workspaceAutostartUpdate({ params, body: { schedule: "CRON_TZ=UTC 30 9 * * 1-5" } });
  await expect(
    client.workspaceAutostartUpdate({ params, body: { schedule: "often" } }),
  ).rejects.toMatchObject(field("schedule"));
  await client.workspaceTtlUpdate({ params, body: { ttl_ms: 7_200_000 } });
  await client.workspaceAutomaticUpdatesUpdate({ params, body: { automatic_updates: "always" } });
  await client.workspaceUpdate({ params, body: { name: "renamed" } });
  const changed = await client.workspaceGetByName({ params: { user: "me", workspaceName: "Renamed" } });
  expect(changed).toMatchObject({
    id: workspace.id,
    autostart_schedule: "CRON_TZ=UTC 30 9 * * 1-5",
    next_start_at: expect.any(String),
    ttl_ms: 7_200_000,
    automatic_updates: "always",
  });
  await client.workspaceBuildCreate({ params, body: { transition: "start" } });
  const build = await built(owner, workspace);
  expect(Date.parse(build.deadline!) - Date.parse(build.job.completed_at!)).toBe(7_200_000);
  const deadline = new Date(Date.now() + 4 * 3_600_000).toISOString();
  await client.workspaceExtend({ params, body: { deadline } });
  expect((await client.workspaceGet({ params })).latest_build.deadline).toBe(deadline);

  expect(await client.workspaceDormancyUpdate({ params, body: { dormant: true } })).toMatchObject({
    dormant_at: expect.any(String),
  });
  await expect(client.workspaceBuildCreate({ params, body: { transition: "start" } })).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringMatching(/dormant/),
  });
  expect(await client.workspaceDormancyUpdate({ params, body: { dormant: false } })).toMatchObject({
    dormant_at: null,
  });
});

test("watchers receive builds by events and by WebSocket", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const workspace = await createWorkspace(owner, await createTemplate(owner));
  const params = { workspace: workspace.id };
  for (const watch of [owner.client.workspaceWatch, owner.client.workspaceWatchSocket]) {
    const states: string[] = [];
    for await (const { type, data } of watch({ params })) {
      if (type !== "data" || !data) continue;
      states.push(data.latest_build.status);
      if (data.latest_build.status === "running") break;
    }
    expect(states.at(-1)).toBe("running");
    if (watch === owner.client.workspaceWatch) {
      await owner.client.workspaceBuildCreate({ params, body: { transition: "start" } });
    }
  }
});

test("a workspace that was never built, or is orphaned, is deleted without a daemon", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const template = await (async () => {
    await using daemon = await startProvisioner(server);
    daemon.serve();
    return await createTemplate(owner, { ...ONE_AGENT, apply: { only: "start", error: "no room" } });
  })();
  const workspace = await createWorkspace(owner, template);
  const remove = {
    params: { workspace: workspace.id },
    body: { transition: "delete", orphan: true },
  } as const;
  await expect(owner.client.workspaceBuildCreate(remove)).rejects.toMatchObject({ code: "conflict" });
  await owner.client.workspaceBuildCancel({ params: { build: workspace.latest_build.id } });
  expect(await owner.client.workspaceBuildCreate(remove)).toMatchObject({
    status: "deleted",
    transition: "delete",
  });
});

test("a start gives the template an owner session, and a stop ends it", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const template = await (async () => {
    await using importer = await startProvisioner(server);
    importer.serve();
    return await createTemplate(owner);
  })();
  const workspace = await createWorkspace(owner, template);
  const job = await daemon.acquire();
  if (job.type.case !== "workspaceBuild") throw new Error("no build");
  const { metadata } = job.type.value;
  expect(metadata).toMatchObject({
    workspaceName: "dev",
    templateName: "echo",
    ownerName: "owner",
    ownerGroups: expect.any(Array),
    ownerSshPublicKey: expect.stringMatching(/^ssh-/),
    coderUrl: server.config.CODER_ACCESS_URL,
  });
  const session = server.clientOf(metadata!.ownerSessionToken);
  expect(await session.userGet({ params: { user: "me" } })).toMatchObject({ username: "owner" });
  const other = { params: { workspace: workspace.id }, body: { transition: "stop" } } as const;
  await expect(owner.client.workspaceBuildCreate(other)).rejects.toMatchObject({ code: "conflict" });
  await daemon.run(job);
  await owner.client.workspaceBuildCreate({
    params: { workspace: workspace.id },
    body: { transition: "stop" },
  });
  await daemon.acquire();
  await expect(session.userGet({ params: { user: "me" } })).rejects.toMatchObject({
    code: "unauthenticated",
  });
});

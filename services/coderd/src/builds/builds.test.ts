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
  // A connecting agent is neither unhealthy nor a reason to restart anything.
  expect((await client.workspaceGet({ params: { workspace: workspace.id } })).health).toEqual({
    healthy: true,
    failing_agents: [],
  });
  expect(await client.tokenList({ params: { user: "me" } })).toEqual([]);
  expect(JSON.parse(await state(owner, started))).toMatchObject({ echo: 1 });
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

/** A workspace owned by ana whose template only ben may update. */
async function startShared(template: Parameters<typeof createTemplate>[1] = ONE_AGENT) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd());
  const owner = await server.owner();
  const [ana, ben] = [
    await server.user(owner, { username: "ana" }),
    await server.user(owner, { username: "ben" }),
  ];
  const admin = await server.user(owner, { username: "tom", roles: ["template-admin"] });
  const daemon = await startProvisioner(server);
  daemon.serve();
  const made = await createTemplate(owner, template);
  const { id } = made;
  await owner.client.templateAclUpdate({
    params: { template: id },
    body: { user_perms: { [ben.id]: "admin" } },
  });
  const workspace = await createWorkspace(ana, made);
  const build = await built(ana, workspace);
  /** From here on, builds stay queued until a test runs one. */
  await daemon[Symbol.asyncDispose]();
  return {
    server,
    owner,
    ana,
    ben,
    admin,
    template: id,
    workspace,
    build,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("state is for those who can read the workspace and update its template, and must be valid", async () => {
  await using test = await startShared();
  const { owner, ana, ben, admin, build } = test;
  const params = { build: build.id };
  const text = '{"version":4,"serial":7}';
  const base64 = (value: string) => Buffer.from(value).toString("base64");
  const set = ({ client }: TestUser, value: string) =>
    client.workspaceBuildStateUpdate({ params, body: { state: base64(value) } });
  for (const [user, code] of [
    [ben, "not_found"],
    [ana, "permission_denied"],
  ] as const) {
    await expect(state(user, build)).rejects.toMatchObject({ code });
    await expect(set(user, text)).rejects.toMatchObject({ code });
  }
  await set(admin, text);
  expect(await state(owner, build)).toBe(text);
  for (const wrong of ["{", "[]", "null", "4", "{}", '{"version":"4"}', '{"version":0}', "\xff"]) {
    await expect(set(owner, wrong)).rejects.toMatchObject({ validations: [{ field: "state" }] });
    const body = { transition: "start" as const, state: base64(wrong) };
    const made = owner.client.workspaceBuildCreate({ params: { workspace: test.workspace.id }, body });
    await expect(made).rejects.toMatchObject({ validations: [{ field: "state" }] });
  }
  expect(await state(owner, build)).toBe(text);
});

test("debug logs are for those who can update the template, and clients cannot use reserved build reasons", async () => {
  await using test = await startShared();
  const { ana, owner, workspace } = test;
  const build = ({ client }: TestUser, body: object) =>
    client.workspaceBuildCreate({
      params: { workspace: workspace.id },
      body: { transition: "stop", ...body },
    });
  await expect(build(ana, { log_level: "debug" })).rejects.toMatchObject({
    code: "permission_denied",
    validations: [{ field: "log_level" }],
  });
  for (const reason of ["autostart", "autostop", "dormancy", "autodelete", "initiator", "Anything"]) {
    await expect(build(ana, { reason })).rejects.toMatchObject({ validations: [{ field: "reason" }] });
  }
  expect(await build(owner, { log_level: "debug", reason: "vscode_connection" })).toMatchObject({
    reason: "vscode_connection",
  });
});

test("a template can forbid canceling running builds, but not pending ones", async () => {
  await using test = await startShared();
  const { server, ana, owner, workspace } = test;
  await owner.client.templateUpdate({
    params: { template: test.template },
    body: { allow_user_cancel_workspace_jobs: false },
  });
  const params = { workspace: workspace.id };
  const cancel = ({ client }: TestUser, build: string, expect_status?: "pending" | "running") =>
    client.workspaceBuildCancel({ params: { build }, query: expect_status ? { expect_status } : {} });
  const waiting = await ana.client.workspaceBuildCreate({ params, body: { transition: "stop" } });
  await expect(cancel(ana, waiting.id, "running")).rejects.toMatchObject({ code: "permission_denied" });
  await cancel(ana, waiting.id);

  const { id } = await ana.client.workspaceBuildCreate({ params, body: { transition: "stop" } });
  await using daemon = await startProvisioner(server);
  await daemon.acquire();
  await expect(cancel(ana, id)).rejects.toMatchObject({ code: "permission_denied" });
  await expect(cancel(ana, id, "running")).rejects.toMatchObject({ code: "permission_denied" });
  await expect(cancel(ana, id, "pending")).rejects.toMatchObject({ code: "conflict" });
  await cancel(owner, id);
});

test("a template gets a limited owner session only if it reads it", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const { client } = owner;
  await using daemon = await startProvisioner(server);
  /** Runs the build and returns the session token its template received. */
  const sessionOf = async (): Promise<string> => {
    const job = await daemon.acquire();
    await daemon.run(job);
    const { metadata } = job.type.value as { metadata?: { ownerSessionToken: string } };
    return metadata!.ownerSessionToken;
  };
  const create = async (template: Parameters<typeof createTemplate>[1], name: string) => {
    const making = createTemplate(owner, template, name);
    await daemon.run(await daemon.acquire());
    const made = createWorkspace(owner, await making, { name });
    const workspace = await made;
    return { params: { workspace: workspace.id }, token: await sessionOf() };
  };
  const build = async (params: { workspace: string }, transition: "start" | "stop") => {
    await client.workspaceBuildCreate({ params, body: { transition } });
    return sessionOf();
  };
  const me = (token: string) => server.clientOf(token).userGet({ params: { user: "me" } });
  const ended = { code: "unauthenticated" };

  const without = await create({ ...ONE_AGENT, ownerSession: false }, "without");
  expect(without.token).toBe("");

  const { params, token } = await create(ONE_AGENT, "with");
  expect((await me(token)).username).toBe("owner");
  const held = server.clientOf(token);
  expect((await held.workspaceList()).count).toBe(2);
  await held.workspaceUpdate({ params, body: { name: "renamed" } });
  for (const refused of [
    held.tokenCreate({ params: { user: "me" }, body: {} }),
    held.keyCreate({ params: { user: "me" } }),
    held.userCreate({ body: { email: "x@example.com", username: "x", password: "Some-Password-1" } }),
    held.userProfileUpdate({ params: { user: "me" }, body: { username: "taken" } }),
    held.groupCreate({ params: { organization: "default" }, body: { name: "x" } }),
  ])
    await expect(refused).rejects.toMatchObject({
      code: expect.stringMatching(/^(permission_denied|not_found)$/),
    });
  expect(await client.tokenList({ params: { user: "me" }, query: { include_all: true } })).toEqual([]);
  expect(await build(params, "stop")).toBe("");
  await expect(me(token)).rejects.toMatchObject(ended);
  const second = await build(params, "start");
  expect((await me(second)).username).toBe("owner");

  const broken = await create({ ...ONE_AGENT, apply: { only: "start", error: "Out of disks." } }, "broken");
  expect(broken.token).not.toBe("");
  await expect(me(broken.token)).rejects.toMatchObject(ended);
});

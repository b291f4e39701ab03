import { createTestCoderd } from "../testing/coderd.js";
import { built, createTemplate, createWorkspace, ONE_AGENT, startProvisioner } from "../testing/work.js";

test("a token has the requested limits or is not created", async () => {
  await using server = await createTestCoderd();
  const { client, id } = await server.owner();
  const create = (body: Parameters<typeof client.tokenCreate>[0]["body"]) =>
    client.tokenCreate({ params: { user: "me" }, body });
  for (const allow_list of [
    ["workspace"],
    [`workspaces:${id}`],
    ["workspace:dev"],
    [`*:${id}`],
    [`workspace:${id}:x`],
    [{ type: "__proto__", id }],
    ["*:*", "nothing:*"],
  ])
    await expect(create({ scope: "all", allow_list })).rejects.toMatchObject({
      code: "invalid_argument",
      validations: [{ field: "allow_list" }],
    });
  await expect(create({ scope: "application_connect", scopes: ["all"] })).rejects.toMatchObject({
    validations: [{ field: "scope" }],
  });
  expect(await client.tokenList({ params: { user: "me" } })).toEqual([]);
  await create({ allow_list: ["*:*"], scope: "workspace:read" });
  await create({ allow_list: [{ type: "*", id: "*" }], scopes: ["workspace:read"], scope: "workspace:read" });
  await create({ allow_list: [] });
  await create({ scopes: ["coder:all", "all"], allow_list: [`workspace:${id.toUpperCase()}`, "template:*"] });
  const tokens = await client.tokenList({ params: { user: "me" } });
  expect(tokens.map(({ scopes }) => scopes)).toEqual([
    ["workspace:read"],
    ["workspace:read"],
    ["all"],
    ["all"],
  ]);
  const everything = [{ type: "*", id: "*" }];
  expect(tokens.map((token) => token.allow_list)).toEqual([
    everything,
    everything,
    everything,
    [
      { type: "workspace", id },
      { type: "template", id: "*" },
    ],
  ]);
});

test("a shorter maximum applies to existing tokens, and limits the default", async () => {
  await using server = await createTestCoderd();
  const { client, token: session } = await server.owner();
  const { key } = await client.tokenCreate({ params: { user: "me" }, body: {} });
  const me = (baseUrl: string, token: string) =>
    fetch(`${baseUrl}/api/v2/users/me`, { headers: { "coder-session-token": token } });
  expect((await me(server.coderd.httpUrl, key)).status).toBe(200);

  await using strict = await server.replica({ CODER_MAX_TOKEN_LIFETIME: "1ms" });
  expect((await me(strict.httpUrl, key)).status).toBe(401);
  expect((await me(strict.httpUrl, session)).status).toBe(200);
  await using daily = await server.replica({ CODER_MAX_TOKEN_LIFETIME: "24h" });
  const made = await fetch(`${daily.httpUrl}/api/v2/users/me/keys/tokens`, {
    method: "POST",
    headers: { "coder-session-token": session, "content-type": "application/json" },
    body: "{}",
  });
  expect(made.status).toBe(201);
});

test("a token reaches only the objects of its allow list, in lists, streams and what it creates, too", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner, ONE_AGENT);
  const one = await createWorkspace(ana, template, { name: "one" });
  const other = await createWorkspace(ana, template, { name: "other" });
  const agentOf = async (workspace: typeof one) => (await built(ana, workspace)).resources[0]!.agents![0]!.id;
  const [agent, otherAgent] = [await agentOf(one), await agentOf(other)];
  const make = async (client: typeof ana.client, body: object) =>
    (await client.tokenCreate({ params: { user: ana.id }, body })).key;
  const allow_list = [`workspace:${one.id}`, `user:${ana.id}`];
  const token = await make(ana.client, { allow_list });
  const limited = server.clientOf(token);

  const { workspaces, count } = await limited.workspaceList();
  expect([workspaces.map(({ id }) => id), count]).toEqual([[one.id], 1]);
  expect((await limited.workspaceGet({ params: { workspace: one.id } })).id).toBe(one.id);
  expect((await limited.agentGet({ params: { agent } })).id).toBe(agent);
  expect((await limited.userGet({ params: { user: "me" } })).id).toBe(ana.id);
  const gone = { code: "not_found" };
  await expect(limited.workspaceGet({ params: { workspace: other.id } })).rejects.toMatchObject(gone);
  await expect(limited.agentGet({ params: { agent: otherAgent } })).rejects.toMatchObject(gone);
  await expect(limited.templateGet({ params: { template: template.id } })).rejects.toMatchObject(gone);
  await expect(limited.userGet({ params: { user: owner.id } })).rejects.toMatchObject(gone);
  const connect = (agentID: string) => limited.ptySignedToken({ body: { url: "", agentID } });
  expect((await connect(agent)).signed_token).not.toBe("");
  await expect(connect(otherAgent)).rejects.toMatchObject(gone);
  const watch = async (workspace: string) => {
    for await (const _ of limited.workspaceWatch({ params: { workspace } })) return;
  };
  await watch(one.id);
  await expect(watch(other.id)).rejects.toMatchObject(gone);
  const { apiKeys } = server.coderd.domain;
  const actor = await apiKeys.authenticate({ token, via: "header" });
  const inApps = await apiKeys.authenticate({
    token: await apiKeys.createAppSession(actor, ""),
    via: "cookie",
  });
  expect(inApps.subject.allowList).toEqual(actor.subject.allowList);
  const build = { params: { workspace: other.id }, body: { transition: "stop" as const } };
  await expect(limited.workspaceBuildCreate(build)).rejects.toMatchObject(gone);
  const another = { name: "another", template_id: template.id };
  await expect(limited.workspaceCreate({ params: { user: "me" }, body: another })).rejects.toThrow();
  await expect(limited.tokenCreate({ params: { user: ana.id }, body: {} })).rejects.toMatchObject({
    code: "permission_denied",
  });
  const password = { password: "AnotherPassword!1", old_password: ana.password };
  await expect(
    limited.userPasswordUpdate({ params: { user: ana.id }, body: password }),
  ).rejects.toMatchObject({ code: "permission_denied" });

  const withKeys = await make(ana.client, { allow_list: [...allow_list, "api_key:*"] });
  const makes = server.clientOf(withKeys);
  for (const wider of [{}, { allow_list: ["workspace:*"] }, { allow_list: [`workspace:${other.id}`] }])
    await expect(make(makes, wider)).rejects.toMatchObject({ code: "permission_denied" });
  const child = server.clientOf(await make(makes, { allow_list: [`workspace:${one.id}`] }));
  expect((await child.workspaceList()).workspaces.map(({ id }) => id)).toEqual([one.id]);
  await expect(makes.keyCreate({ params: { user: ana.id } })).rejects.toMatchObject({
    code: "permission_denied",
  });
});

test("an expired token stays in the list that includes expired ones", async () => {
  await using server = await createTestCoderd();
  const { client } = await server.owner();
  const params = { user: "me" };
  const { key } = await client.tokenCreate({ params, body: { token_name: "ci" } });
  const id = key.split("-")[0]!;
  await client.keyExpire({ params: { ...params, key: id } });
  expect(await client.tokenList({ params })).toEqual([]);
  const [kept] = await client.tokenList({ params, query: { include_expired: true } });
  expect(kept).toMatchObject({ id, token_name: "ci" });
  expect(Date.parse(kept!.expires_at)).toBeLessThanOrEqual(Date.now());
});

test("owners' tokens have a maximum lifetime of their own", async () => {
  await using server = await createTestCoderd({ env: { CODER_MAX_ADMIN_TOKEN_LIFETIME: "24h" } });
  const owner = await server.owner();
  const ana = await server.user(owner);
  const HOUR_NS = 3_600_000_000_000;
  const make = (client: typeof owner.client, user: string, hours: number) =>
    client.tokenCreate({ params: { user }, body: { lifetime: hours * HOUR_NS } });
  await expect(make(owner.client, "me", 25)).rejects.toMatchObject({ validations: [{ field: "lifetime" }] });
  await make(owner.client, "me", 24);
  await make(ana.client, "me", 720);
  await make(owner.client, ana.id, 720);
  const config = (client: typeof owner.client) => client.tokenConfig({ params: { user: "me" } });
  expect((await config(owner.client)).max_token_lifetime).toBe(24 * HOUR_NS);
  expect((await config(ana.client)).max_token_lifetime).toBe(876_600 * HOUR_NS);
  const { key } = await owner.client.tokenCreate({ params: { user: "me" }, body: {} });
  const made = await owner.client.keyGet({ params: { user: "me", key: key.split("-")[0]! } });
  expect(made.lifetime_seconds).toBe(86_400);
});

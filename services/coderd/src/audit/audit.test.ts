import { randomUUID } from "node:crypto";
import { isUuid } from "@fleet/base";
import pg from "pg";
import { createTestCoderd } from "../testing/coderd.js";
import { built, createTemplate, createWorkspace, startProvisioner } from "../testing/work.js";
import { diffOf } from "./diff.js";
import { parseAuditQuery } from "./query.js";

test("a change is recorded per field, a secret without its value", () => {
  const before = { name: "ana", roles: [], hashed_password: "old", count: 1n };
  const after = { name: "ben", roles: [], hashed_password: "new", count: 1n };
  expect(diffOf(before, after, ["hashed_password"])).toEqual({
    name: { old: "ana", new: "ben", secret: false },
    hashed_password: { old: "", new: "", secret: true },
  });
  expect(diffOf(undefined, { name: "ana", on: true, gone: null }, [])).toEqual({
    name: { old: "", new: "ana", secret: false },
    on: { old: false, new: true, secret: false },
  });
});

test("the search accepts days, times and words, and rejects others", () => {
  expect(parseAuditQuery('action:create resource_target:"my ws" date_to:2026-01-31')).toEqual({
    action: "create",
    target: "my ws",
    to: new Date("2026-01-31T23:59:59.999Z"),
  });
  expect(parseAuditQuery("dev")).toEqual({ target: "dev" });
  for (const query of ["colour:red", "resource_id:1", "date_from:yesterday"])
    expect(() => parseAuditQuery(query)).toThrow(/is not a valid/);
});

test("actions are logged with user, object and change, including refusals", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  await ana.client.userProfileUpdate({ params: { user: "me" }, body: { username: "anna", name: "Anna" } });
  await ana.client.userPasswordUpdate({
    params: { user: "me" },
    body: { old_password: ana.password, password: "Another-Password-1" },
  });
  await ana.client.userDelete({ params: { user: "owner" } }).catch(() => {});
  await ana.client.logout();
  const wrong = { email: "ana@example.com", password: "not-her-password" };
  await server.anonymous.login({ body: wrong }).catch(() => {});
  await server.anonymous.login({ body: { ...wrong, email: "nobody@example.com" } }).catch(() => {});

  const { audit_logs, count } = await owner.client.auditList({ query: { q: "username:anna" } });
  expect(count).toBe(audit_logs.length);
  expect(
    audit_logs.map(({ action, resource_type, status_code }) => [action, resource_type, status_code]),
  ).toEqual([
    ["logout", "api_key", 200],
    ["delete", "user", 404],
    ["write", "user", 204],
    ["write", "user", 200],
    ["login", "api_key", 201],
  ]);
  const [, refused, password, profile] = audit_logs;
  expect(profile).toMatchObject({
    user: { username: "anna" },
    resource_target: "anna",
    description: "{user} updated user {target}",
    diff: { username: { old: "ana", new: "anna", secret: false }, name: { old: "", new: "Anna" } },
  });
  expect(password!.diff).toEqual({ hashed_password: { old: "", new: "", secret: true } });
  expect(refused).toMatchObject({ resource_target: "owner", diff: {} });
  expect(refused!.description).toBe("{user} unsuccessfully attempted to delete user {target}");
  const logins = await owner.client.auditList({ query: { q: "action:login resource_target:anna" } });
  expect(logins.audit_logs[0]).toMatchObject({
    user: null,
    status_code: 401,
    description: "{user} unsuccessfully attempted to log in",
    diff: {},
  });
  expect(JSON.stringify(audit_logs)).not.toMatch(/scrypt/);
});

test("workspaces, builds and tokens are found by type and by organization", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  const workspace = await createWorkspace(owner, template);
  await built(owner, workspace);
  await owner.client.workspaceBuildCreate({
    params: { workspace: workspace.id },
    body: { transition: "stop" },
  });
  await owner.client.tokenCreate({ params: { user: "me" }, body: { token_name: "ci" } });

  const list = async (q: string) => (await owner.client.auditList({ query: { q } })).audit_logs;
  const [stop] = await list("action:stop");
  expect(stop).toMatchObject({
    resource_type: "workspace_build",
    resource_target: "dev",
    resource_link: "/@owner/dev/builds/2",
    additional_fields: { build_number: "2", build_reason: "initiator" },
    organization: { name: "coder" },
  });
  expect((await list(`resource_id:${workspace.id}`)).map(({ action }) => action)).toEqual(["create"]);
  expect(await list("resource_type:api_key action:create ci")).toHaveLength(1);
  expect(await list(`request_id:${stop!.request_id} build_reason:initiator`)).toHaveLength(1);
  expect(await list("organization:coder action:login")).toHaveLength(0);
  expect(await list(`date_from:2999-01-01 username:${randomUUID()}`)).toHaveLength(0);
  await expect(list("resource_id:x")).rejects.toMatchObject({ validations: [{ field: "q" }] });
});

/** Makes Postgres reject every audit entry. */
async function refuseEntries(url: string): Promise<AsyncDisposable> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("ALTER TABLE audit_logs ADD CONSTRAINT refused CHECK (false) NOT VALID");
  return {
    async [Symbol.asyncDispose]() {
      await client.query("ALTER TABLE audit_logs DROP CONSTRAINT refused");
      await client.end();
    },
  };
}

test("an action that cannot be audited is not carried out", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const { client } = owner;
  const organization = "default";
  const group = await client.groupCreate({ params: { organization }, body: { name: "kept" } });
  const { organization_ids } = await client.userGet({ params: { user: "me" } });
  {
    await using _refusing = await refuseEntries(server.config.CODER_PG_CONNECTION_URL);
    const body = { email: "ben@example.com", username: "ben", password: "Some-Password-1", organization_ids };
    for (const change of [
      () => client.groupCreate({ params: { organization }, body: { name: "made" } }),
      () => client.groupDelete({ params: { group: group.id } }),
      () => client.provisionerKeyCreate({ params: { organization }, body: { name: "key" } }),
      () => client.tokenCreate({ params: { user: "me" }, body: { token_name: "ci" } }),
      () => client.userCreate({ body }),
      () => server.anonymous.login({ body: { email: "owner@example.com", password: owner.password } }),
      () => client.logout(),
    ])
      await expect(change()).rejects.toMatchObject({ code: "internal" });
  }
  const groups = await client.groupList();
  expect(groups.map(({ name }) => name).sort()).toEqual(["Everyone", "kept"]);
  expect(await client.provisionerKeyList({ params: { organization } })).toEqual([]);
  expect(await client.tokenList({ params: { user: "me" } })).toEqual([]);
  expect((await client.userList()).users.map(({ username }) => username)).toEqual(["owner"]);
});

test("clients cannot choose the request id", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  for (const given of ["-".repeat(36), randomUUID(), "x", ""]) {
    const response = await fetch(`${server.coderd.httpUrl}/api/v2/users/me/keys/tokens`, {
      method: "POST",
      headers: {
        "coder-session-token": owner.token,
        "content-type": "application/json",
        "x-coder-request-id": given,
        "x-request-id": given,
      },
      body: "{}",
    });
    expect(response.status).toBe(201);
    const id = response.headers.get("x-coder-request-id")!;
    expect(isUuid(id)).toBe(true);
    expect(id).not.toBe(given);
    const { count } = await owner.client.auditList({ query: { q: `request_id:${id}` } });
    expect(count).toBe(1);
  }
});

test("shares, keys, cancellations, appearance and state leave entries without secrets", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const { client } = owner;
  const organization = "default";
  const { key } = await client.provisionerKeyCreate({ params: { organization }, body: { name: "ci" } });
  await client.provisionerKeyDelete({ params: { organization, keyName: "ci" } });
  await client.appearanceUpdate({
    body: { application_name: "Forge", logo_url: "", announcement_banners: [] },
  });
  const daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  const workspace = await createWorkspace(owner, template);
  const build = await built(owner, workspace);
  const params = { workspace: workspace.id };
  const share = { agent_name: "main", port: 8080 };
  await client.portShareUpsert({ params, body: { ...share, share_level: "owner" } });
  await client.portShareUpsert({ params, body: { ...share, share_level: "authenticated" } });
  await client.portShareDelete({ params, body: share });
  await client.workspaceBuildState({ params: { build: build.id } });
  const state = Buffer.from('{"version":4,"lineage":"hush"}').toString("base64");
  await client.workspaceBuildStateUpdate({ params: { build: build.id }, body: { state } });
  await client.templateVersionArchiveUnused({ params: { template: template.id }, body: {} });
  await daemon[Symbol.asyncDispose]();
  const waiting = await client.workspaceBuildCreate({ params, body: { transition: "stop" } });
  await client.workspaceBuildCancel({ params: { build: waiting.id } });

  const { audit_logs } = await client.auditList({ query: { limit: 1000 } });
  const told = audit_logs.map(({ action, resource_type, resource_target, diff }) => {
    const changes = Object.keys(diff).sort().join(" ");
    return `${action} ${resource_type} ${resource_target} ${changes}`.trim();
  });
  for (const line of [
    "create provisioner_key ci hashed_secret name tags",
    "delete provisioner_key ci hashed_secret name tags",
    "create port_share dev:8080 agent_name port protocol share_level",
    "write port_share dev:8080 share_level",
    "delete port_share dev:8080 agent_name port protocol share_level",
    "read workspace_build dev",
    "write workspace_build dev state",
    "write workspace_build dev canceled_at",
    `write template ${template.name}`,
  ])
    expect(told).toContain(line);
  expect(told.some((line) => /^(write|create) appearance/.test(line))).toBe(true);
  expect(JSON.stringify(audit_logs)).not.toMatch(new RegExp(`hush|${key}`));
});

test("renaming an object is recorded as a change", async () => {
  await using server = await createTestCoderd();
  const { client } = await server.owner();
  const { organization_ids } = await client.userGet({ params: { user: "me" } });
  await client.organizationUpdate({ params: { organization: "coder" }, body: { name: "forge" } });
  const [entry] = (await client.auditList({ query: { q: "resource_type:organization action:write" } }))
    .audit_logs;
  expect(entry).toMatchObject({
    resource_id: organization_ids[0],
    resource_target: "forge",
    diff: { name: { old: "coder", new: "forge", secret: false } },
  });
});

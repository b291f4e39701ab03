import { randomUUID } from "node:crypto";
import { createTestCoderd } from "../testing/coderd.js";
import { built, createTemplate, createWorkspace, startProvisioner } from "../testing/work.js";
import { diffOf } from "./diff.js";
import { parseAuditQuery } from "./query.js";

test("a change is told field by field, a secret without its value", () => {
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

test("the search reads days, times and words, and says what it cannot", () => {
  expect(parseAuditQuery('action:create resource_target:"my ws" date_to:2026-01-31')).toEqual({
    action: "create",
    target: "my ws",
    to: new Date("2026-01-31T23:59:59.999Z"),
  });
  expect(parseAuditQuery("dev")).toEqual({ target: "dev" });
  for (const query of ["colour:red", "resource_id:1", "date_from:yesterday"])
    expect(() => parseAuditQuery(query)).toThrow(/cannot be searched|is no/);
});

test("what people do is in the log: who, over what, from what to what, refusals included", async () => {
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

test("workspaces, builds and tokens are found by what they are, and by organization", async () => {
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

import { once } from "node:events";
import type { CustomRoleRequest } from "@fleet/sdk";
import { waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import { createTestCoderd, type TestUser } from "../testing/coderd.js";
import { createTemplate, createWorkspace, startProvisioner } from "../testing/work.js";

/** A role that grants less ends what is open within this time. */
const WITHIN_MS = 5_000;
const ORGANIZATION = { organization: "default" };

async function start() {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd());
  const owner = await server.owner();
  const [admin, ana, ben] = await Promise.all(
    ["admin", "ana", "ben"].map((username) => server.user(owner, { username })),
  );
  const assign = (user: TestUser, roles: string[], by = owner, organization = "default") =>
    by.client.memberRolesUpdate({ params: { organization, user: user.id }, body: { roles } });
  await assign(admin!, ["organization-admin"]);
  return {
    stack,
    server,
    owner,
    admin: admin!,
    ana: ana!,
    ben: ben!,
    assign,
    create: (by: TestUser, body: CustomRoleRequest, organization = "default") =>
      by.client.organizationRoleCreate({ params: { organization }, body }),
    update: (by: TestUser, body: CustomRoleRequest) =>
      by.client.organizationRoleUpdate({ params: ORGANIZATION, body }),
    remove: (by: TestUser, roleName: string) =>
      by.client.organizationRoleDelete({ params: { ...ORGANIZATION, roleName } }),
    rolesOf: async (user: TestUser, organization = "default") =>
      (await owner.client.memberGet({ params: { organization, user: user.id } })).roles.map(
        ({ name }) => name,
      ),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const can = (resource_type: string, action: string, negate = false) => ({ resource_type, action, negate });
const curator = (permissions = [can("template", "read"), can("template", "update")]): CustomRoleRequest => ({
  name: "curator",
  display_name: "Curator",
  organization_permissions: permissions,
});

test("a role is created, shown, assigned, changed and deleted, and takes effect at once", async () => {
  await using world = await start();
  const { owner, admin, ana, assign, create, update, remove, rolesOf, server } = world;
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  const params = { template: template.id };
  const describe = (description: string) => ana.client.templateUpdate({ params, body: { description } });
  await expect(describe("x")).rejects.toMatchObject({ code: "permission_denied" });

  const [role] = await create(admin, curator());
  expect(role).toEqual({
    ...curator(),
    organization_id: template.organization_id,
    organization_member_permissions: [],
    site_permissions: [],
    user_permissions: [],
  });
  const listed = async (user: TestUser) =>
    (await user.client.organizationRoleList({ params: ORGANIZATION })).find(({ name }) => name === "curator");
  expect(await listed(admin)).toMatchObject({ ...curator(), assignable: true, built_in: false });
  expect(await listed(ana)).toMatchObject({ assignable: false });
  await assign(ana, ["curator"], admin);
  await describe("by ana");

  await update(admin, { ...curator([can("template", "read")]), display_name: "" });
  await expect(describe("again")).rejects.toMatchObject({ code: "permission_denied" });
  await update(admin, curator());
  await describe("again");
  await remove(admin, "curator");
  await expect(describe("no more")).rejects.toMatchObject({ code: "permission_denied" });
  expect(await rolesOf(ana)).toEqual([]);
  // One that is created under the same name is nobody's.
  await create(admin, curator());
  await expect(describe("still not")).rejects.toMatchObject({ code: "permission_denied" });

  const { audit_logs } = await owner.client.auditList({ query: { q: "resource_type:custom_role" } });
  expect(audit_logs.map(({ action }) => action)).toEqual(["create", "delete", "write", "write", "create"]);
  expect(audit_logs[1]).toMatchObject({ resource_target: "curator", user: { username: "admin" } });
});

test("denials and rights over one's own objects", async () => {
  await using world = await start();
  const { owner, admin, ana, ben, assign, create, server } = world;
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  const workspace = await createWorkspace(ana, template);
  await create(admin, {
    name: "frozen",
    organization_permissions: [can("workspace", "delete", true), can("workspace", "update", true)],
    organization_member_permissions: [can("organization_member", "read")],
  });
  await assign(ana, ["frozen"], admin);
  const params = { workspace: workspace.id };
  await expect(ana.client.workspaceTtlUpdate({ params, body: { ttl_ms: 3_600_000 } })).rejects.toMatchObject({
    code: "permission_denied",
  });
  await createWorkspace(ben, template);
  await owner.client.organizationUpdate({
    params: ORGANIZATION,
    body: { default_org_member_roles: [] },
  });
  // Without the default role, members have no workspaces.
  await expect(createWorkspace(ben, template, { name: "more" })).rejects.toMatchObject({
    code: "permission_denied",
  });
  expect((await ben.client.workspaceList({ query: {} })).count).toBe(0);
  await expect(ben.client.workspaceGet({ params })).rejects.toMatchObject({ code: "not_found" });
});

test("nobody defines, changes or assigns what they do not have", async () => {
  await using world = await start();
  const { owner, admin, ana, ben, assign, create, update, remove, server } = world;
  const refused = { code: "permission_denied" };
  await expect(create(ana, curator())).rejects.toMatchObject({ code: "permission_denied" });
  // Organization administrators cannot open others' workspaces.
  const opener: CustomRoleRequest = { name: "opener", organization_permissions: [can("workspace", "ssh")] };
  await expect(create(admin, opener)).rejects.toMatchObject(refused);
  await expect(
    create(admin, { name: "opener", organization_permissions: [can("workspace", "*")] }),
  ).rejects.toMatchObject(refused);
  await create(owner, opener);
  for (const change of [
    () => update(admin, { name: "opener", organization_permissions: [] }),
    () => remove(admin, "opener"),
    () => assign(ana, ["opener"], admin),
  ])
    await expect(change()).rejects.toMatchObject(refused);
  await assign(ana, ["opener"]);
  await expect(assign(ana, [], ben)).rejects.toMatchObject({ code: "not_found" });
  // Whoever may not take the role away may not remove its holder, nor take over the account.
  await expect(
    admin.client.memberRemove({ params: { ...ORGANIZATION, user: ana.id } }),
  ).rejects.toMatchObject(refused);
  const manager = await server.user(owner, { roles: ["user-admin"] });
  await expect(
    manager.client.userPasswordUpdate({ params: { user: ana.id }, body: { password: "AnotherPassword!1" } }),
  ).rejects.toMatchObject(refused);
  await manager.client.userPasswordUpdate({
    params: { user: ben.id },
    body: { password: "AnotherPassword!1" },
  });

  // Nobody helps themselves.
  for (const roles of [["organization-admin", "curator"], []])
    await expect(assign(admin, roles, admin)).rejects.toMatchObject({ code: "invalid_argument" });

  // A token that is limited defines and assigns only what it is limited to.
  const { key } = await owner.client.tokenCreate({
    params: { user: "me" },
    body: { scopes: ["assign_org_role:*", "organization:read", "template:read"] },
  });
  const limited = { ...owner, client: server.clientOf(key) };
  await expect(create(limited, curator())).rejects.toMatchObject(refused);
  await create(limited, { name: "reader", organization_permissions: [can("template", "read")] });
});

test("names and permissions are validated", async () => {
  await using world = await start();
  const { owner, admin, create, update, remove, assign, ana } = world;
  const acme = await owner.client.organizationCreate({ body: { name: "acme" } });
  const invalid = { code: "invalid_argument" };
  for (const name of [
    "",
    "a b",
    "x".repeat(33),
    "-x",
    "organization-admin",
    "Owner",
    "member",
    "organization-member",
  ])
    await expect(create(owner, { ...curator(), name })).rejects.toMatchObject(invalid);
  for (const permission of [
    can("template", "fly"),
    can("hologram", "read"),
    can("*", "*"),
    can("user", "delete"),
    can("deployment_config", "update"),
    can("assign_role", "assign"),
    can("__proto__", "read"),
  ])
    await expect(create(owner, curator([permission]))).rejects.toMatchObject(invalid);
  for (const body of [
    { ...curator(), site_permissions: [can("template", "read")] },
    { ...curator(), user_permissions: [can("workspace", "read")] },
    { ...curator(), organization_member_permissions: [can("workspace", "read", true)] },
  ])
    await expect(create(owner, body)).rejects.toMatchObject(invalid);
  await create(admin, curator());
  await expect(create(admin, { ...curator(), name: "Curator" })).rejects.toMatchObject({
    code: "conflict",
  });
  for (const name of ["organization-admin", "organization-workspace-access"]) {
    await expect(update(owner, { name })).rejects.toMatchObject(invalid);
    await expect(remove(owner, name)).rejects.toMatchObject(invalid);
  }
  await expect(update(owner, { name: "nobody" })).rejects.toMatchObject({ code: "not_found" });
  await expect(remove(owner, "nobody")).rejects.toMatchObject({ code: "not_found" });
  await expect(assign(ana, ["nobody"])).rejects.toMatchObject({ code: "permission_denied" });
  await expect(assign(ana, ["owner"])).rejects.toMatchObject({ code: "permission_denied" });

  // A role of the same name in another organization is another role.
  await owner.client.memberAdd({ params: { organization: acme.id, user: ana.id } });
  await expect(assign(ana, ["curator"], owner, "acme")).rejects.toMatchObject({ code: "permission_denied" });
  await create(owner, { name: "curator", organization_permissions: [can("group", "create")] }, "acme");
  await assign(ana, ["curator"], owner, "acme");
  await ana.client.groupCreate({ params: { organization: "acme" }, body: { name: "hers" } });
  await expect(
    ana.client.groupCreate({ params: ORGANIZATION, body: { name: "hers" } }),
  ).rejects.toMatchObject({ code: "permission_denied" });
  await remove(admin, "curator");
  expect(await world.rolesOf(ana, "acme")).toEqual(["curator"]);
});

test("default roles are every member's, and set by whom may assign them", async () => {
  await using world = await start();
  const { owner, admin, ana, create, remove } = world;
  const setDefaults = (user: TestUser, default_org_member_roles: string[]) =>
    user.client.organizationUpdate({ params: ORGANIZATION, body: { default_org_member_roles } });
  const defaults = async () =>
    (await owner.client.organizationGet({ params: ORGANIZATION })).default_org_member_roles;
  expect(await defaults()).toEqual(["organization-workspace-access"]);
  await create(owner, { name: "opener", organization_permissions: [can("workspace", "ssh")] });
  await create(owner, { name: "grouper", organization_permissions: [can("group", "create")] });
  for (const roles of [["opener"], ["nobody"], ["owner"]])
    await expect(setDefaults(admin, roles)).rejects.toMatchObject({ code: "permission_denied" });
  await expect(setDefaults(ana, [])).rejects.toMatchObject({ code: "permission_denied" });
  await setDefaults(admin, ["organization-workspace-access", "grouper", "grouper", "organization-member"]);
  expect(await defaults()).toEqual(["organization-workspace-access", "grouper"]);
  await ana.client.groupCreate({ params: ORGANIZATION, body: { name: "hers" } });
  // Other changes keep them.
  await admin.client.organizationUpdate({ params: ORGANIZATION, body: { description: "x" } });
  await remove(admin, "grouper");
  expect(await defaults()).toEqual(["organization-workspace-access"]);
  await expect(
    ana.client.groupCreate({ params: ORGANIZATION, body: { name: "more" } }),
  ).rejects.toMatchObject({ code: "permission_denied" });
});

test.each(["narrowed", "deleted", "no longer a default"])(
  "streams that a custom role opened end on another replica when it is %s",
  async (how) => {
    await using world = await start();
    const { owner, ana, ben, assign, create, update, remove, server } = world;
    await using daemon = await startProvisioner(server);
    daemon.serve();
    const workspace = await createWorkspace(ben, await createTemplate(owner));
    const reader = (permissions: ReturnType<typeof can>[]): CustomRoleRequest => ({
      name: "reader",
      organization_permissions: permissions,
    });
    await create(owner, reader([can("workspace", "read")]));
    const setDefaults = (default_org_member_roles: string[]) =>
      owner.client.organizationUpdate({ params: ORGANIZATION, body: { default_org_member_roles } });
    if (how === "no longer a default") await setDefaults(["reader"]);
    else await assign(ana, ["reader"]);
    const other = await server.replica();
    const address = `${other.httpUrl.replace("http", "ws")}/api/v2/workspaces/${workspace.id}/watch-ws`;
    const socket = new WebSocket(address, { headers: { "Coder-Session-Token": ana.token } });
    await once(socket, "open");
    let code = 0;
    socket.on("close", (closed) => (code = closed));
    if (how === "narrowed") await update(owner, reader([can("template", "read")]));
    else if (how === "deleted") await remove(owner, "reader");
    else await setDefaults([]);
    await waitFor(() => code === 1008, { what: "the stream to end", timeoutMs: WITHIN_MS });
  },
);

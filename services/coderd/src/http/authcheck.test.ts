import { randomUUID } from "node:crypto";
import { createTestCoderd, type TestUser } from "../testing/coderd.js";
import { createTemplate, createWorkspace, startProvisioner } from "../testing/work.js";

test("permissions are checked on single objects, by owner and organization, and in any organization", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  const ben = await server.user(owner, { username: "ben" });
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  const workspace = await createWorkspace(ana, template);
  const check = async ({ client }: TestUser, action: string, object: Record<string, unknown>) =>
    (await client.authCheck({ body: { checks: { it: { action, object: object as never } } } })).it;

  const shared = { resource_type: "workspace", resource_id: workspace.id };
  expect(await check(ana, "delete", shared)).toBe(true);
  expect(await check(ben, "read", shared)).toBe(false);
  // What the caller says about an object that exists does not count.
  expect(
    await check(ben, "read", { ...shared, owner_id: "me", organization_id: template.organization_id }),
  ).toBe(false);
  await ana.client.workspaceAclUpdate({
    params: { workspace: workspace.id },
    body: { user_roles: { [ben.id]: "use" } },
  });
  expect(await check(ben, "ssh", shared)).toBe(true);
  expect(await check(ben, "update", shared)).toBe(false);
  expect(await check(ben, "read", { resource_type: "template", resource_id: template.id })).toBe(true);
  expect(await check(ben, "update", { resource_type: "template", resource_id: template.id })).toBe(false);
  expect(await check(ben, "read_personal", { resource_type: "user", resource_id: ben.id })).toBe(true);
  expect(await check(ben, "read", { resource_type: "user", resource_id: ana.id })).toBe(false);
  for (const resource_id of [randomUUID(), "dev", ""].filter(Boolean))
    expect(await check(ana, "read", { resource_type: "workspace", resource_id })).toBe(false);

  const own = { resource_type: "workspace", owner_id: "me" };
  expect(await check(ben, "create", { ...own, organization_id: template.organization_id })).toBe(true);
  expect(await check(ben, "create", { ...own, any_org: true })).toBe(true);
  expect(await check(ben, "create", { resource_type: "workspace", any_org: true })).toBe(false);
  expect(await check(ben, "create", { resource_type: "template", any_org: true })).toBe(false);
  await owner.client.memberRolesUpdate({
    params: { organization: "default", user: ben.id },
    body: { roles: ["organization-template-admin"] },
  });
  expect(await check(ben, "create", { resource_type: "template", any_org: true })).toBe(true);
  expect(await check(ben, "create", { resource_type: "template" })).toBe(false);
  for (const [action, resource_type] of [
    ["fly", "template"],
    ["read", "hologram"],
    ["constructor", "__proto__"],
  ] as const)
    expect(await check(owner, action, { resource_type })).toBe(false);
});

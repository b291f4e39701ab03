import { randomUUID } from "node:crypto";
import { createTestCoderd, type TestCoderd, type TestUser } from "../testing/coderd.js";

const inDefault = { organization: "default" };
const request = { requestId: randomUUID(), ip: "192.0.2.1", userAgent: "test" };

/** Signs the user in with these claims, as far as their synchronization goes. */
const signIn = (server: TestCoderd, userId: string, claims: Record<string, unknown>, isNew = false) =>
  server.coderd.domain.syncWithIdp({ userId, claims, isNew, request });

async function groupsOf(owner: TestUser, user: string): Promise<string[]> {
  const groups = await owner.client.groupList({ query: { has_member: user } });
  return groups
    .map(({ name }) => name)
    .filter((name) => name !== "Everyone")
    .sort();
}

test("groups follow a claim: by id, by name and by creating them", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  const create = (name: string) => owner.client.groupCreate({ params: inDefault, body: { name } });
  const [devs, ops] = [await create("devs"), await create("ops")];
  await owner.client.groupUpdate({ params: { group: ops.id }, body: { add_users: ["ana"] } });
  // A group whose name is another group's id: a value that is not mapped is only ever a name.
  const sneaky = await create(devs.id.slice(0, 32).replaceAll("-", ""));
  await owner.client.groupSyncUpdate({
    params: inDefault,
    body: {
      field: "groups",
      mapping: { "idp-devs": [devs.id, randomUUID()] },
      regex_filter: "^(idp-|team)",
      auto_create_missing_groups: true,
    },
  });

  const claims = { groups: ["idp-devs", "team/blue", "other", devs.id, "Everyone"] };
  await signIn(server, ana.id, claims);
  expect(await groupsOf(owner, "ana")).toEqual(["devs", "team/blue"]);
  expect(await groupsOf(owner, "owner")).toEqual([]);
  const created = await owner.client.groupGetByName({ params: { ...inDefault, groupName: "team/blue" } });
  expect(created.source).toBe("oidc");
  expect((await owner.client.groupGet({ params: { group: sneaky.id } })).members).toEqual([]);

  const { audit_logs: entries } = await owner.client.auditList({ query: { q: "username:ana" } });
  expect(entries.map(({ resource_type, action }) => `${resource_type} ${action}`)).toEqual(
    expect.arrayContaining(["user write", "group create"]),
  );
  const change = entries.find(({ resource_type, action }) => resource_type === "user" && action === "write")!;
  expect(change.diff.groups).toMatchObject({ old: ["coder/ops"], new: ["coder/devs", "coder/team/blue"] });

  await signIn(server, ana.id, claims);
  const again = await owner.client.auditList({ query: { q: "username:ana" } });
  expect(again.count).toBe(entries.length);

  await signIn(server, ana.id, {});
  expect(await groupsOf(owner, "ana")).toEqual([]);
});

test("the names of CODER_OIDC_GROUP_MAPPING hold for the default organization until settings are stored", async () => {
  await using server = await createTestCoderd({
    env: { CODER_OIDC_GROUP_FIELD: "roles.names", CODER_OIDC_GROUP_MAPPING: '{"0815":"devs","x":""}' },
  });
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  await owner.client.groupCreate({ params: inDefault, body: { name: "devs" } });
  expect(await owner.client.groupSyncGet({ params: inDefault })).toEqual({
    field: "roles.names",
    mapping: {},
    regex_filter: ".*",
    auto_create_missing_groups: false,
    legacy_group_name_mapping: { "0815": "devs", x: "" },
  });
  await signIn(server, ana.id, { roles: { names: "0815,x,unknown" } });
  expect(await groupsOf(owner, "ana")).toEqual(["devs"]);
  await owner.client.groupSyncUpdate({ params: inDefault, body: {} });
  await signIn(server, ana.id, {});
  expect(await groupsOf(owner, "ana")).toEqual(["devs"]);
});

test("organizations and their roles follow claims, and what does not exist is ignored", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  const acme = await owner.client.organizationCreate({ body: { name: "acme" } });
  const gone = await owner.client.organizationCreate({ body: { name: "gone" } });
  const mapping = { a: [acme.id, gone.id, randomUUID()] };
  await owner.client.organizationSyncUpdate({
    body: { field: "orgs", mapping, organization_assign_default: false },
  });
  await owner.client.organizationDelete({ params: { organization: gone.id } });
  await owner.client.roleSyncUpdate({
    params: { organization: "acme" },
    body: { field: "roles", mapping: { boss: ["organization-admin", "no-such-role"] } },
  });
  const member = { organization: "acme", user: "ana" };

  await signIn(server, ana.id, { orgs: "a", roles: ["boss", "organization-auditor", "owner"] });
  const { organization_ids } = await ana.client.userGet({ params: { user: "me" } });
  expect(organization_ids).toEqual([acme.id]);
  const roles = (await owner.client.memberGet({ params: member })).roles.map(({ name }) => name);
  expect(roles).toEqual(["organization-admin", "organization-auditor"]);

  await signIn(server, ana.id, { orgs: ["a"], roles: [] });
  expect((await owner.client.memberGet({ params: member })).roles).toEqual([]);
  await signIn(server, ana.id, { orgs: "unknown" });
  expect((await owner.client.userGet({ params: { user: "ana" } })).organization_ids).toEqual([]);

  await owner.client.organizationSyncConfigUpdate({ body: { assign_default: true } });
  await signIn(server, ana.id, {});
  expect((await owner.client.userGet({ params: { user: "ana" } })).organization_ids).toHaveLength(1);
});

test("without a field, only a new user joins the default organization", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  await owner.client.memberRemove({ params: { ...inDefault, user: "ana" } });
  const organizations = async () =>
    (await owner.client.userGet({ params: { user: "ana" } })).organization_ids.length;
  await signIn(server, ana.id, { groups: ["x"] });
  expect(await organizations()).toBe(0);
  await signIn(server, ana.id, { groups: ["x"] }, true);
  expect(await organizations()).toBe(1);
});

test("site roles follow the claim of the server's configuration", async () => {
  await using server = await createTestCoderd({
    env: {
      CODER_OIDC_USER_ROLE_FIELD: "roles",
      CODER_OIDC_USER_ROLE_MAPPING: '{"TemplateAuthor":["template-admin","user-admin"],"none":[]}',
      CODER_OIDC_USER_ROLE_DEFAULT: "auditor",
    },
  });
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana", roles: ["owner"] });
  const roles = async () =>
    (await owner.client.userGet({ params: { user: "ana" } })).roles.map(({ name }) => name);
  await signIn(server, ana.id, { roles: ["TemplateAuthor", "member", "constructor"] });
  expect(await roles()).toEqual(["auditor", "template-admin", "user-admin"]);
  await signIn(server, ana.id, { roles: ["none", "owner"] });
  expect(await roles()).toEqual(["auditor", "owner"]);
});

test("sign-ins of two users that create the same groups at once both succeed", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const users = await Promise.all(["ana", "ben", "cy"].map((username) => server.user(owner, { username })));
  await owner.client.groupSyncUpdate({
    params: inDefault,
    body: { field: "groups", auto_create_missing_groups: true },
  });
  const groups = ["a", "b", "c"];
  await Promise.all(
    users.map(({ id }, index) => signIn(server, id, { groups: index ? groups : groups.toReversed() })),
  );
  for (const { username } of users) expect(await groupsOf(owner, username)).toEqual(groups);
});

test("a mapping is changed entry by entry, also by several administrators at once", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const add = (given: string) =>
    owner.client.roleSyncMappingUpdate({
      params: inDefault,
      body: { add: [{ given, gets: "organization-auditor" }] },
    });
  await Promise.all(["a", "b", "c", "constructor"].map(add));
  const remove = [
    { given: "a", gets: "organization-auditor" },
    { given: "b", gets: "something else" },
    { given: "never", gets: "there" },
  ];
  const { mapping } = await owner.client.roleSyncMappingUpdate({ params: inDefault, body: { remove } });
  expect(Object.keys(mapping).sort()).toEqual(["b", "c", "constructor"]);
  const config = await owner.client.groupSyncConfigUpdate({
    params: inDefault,
    body: { regex_filter: "^x" },
  });
  expect(config.regex_filter).toBe("^x");
  const cleared = { regex_filter: null, field: "groups" };
  expect(await owner.client.groupSyncConfigUpdate({ params: inDefault, body: cleared })).toMatchObject(
    cleared,
  );
});

test("invalid settings are refused, and role sync is left to those who may assign every role", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const admin = await server.user(owner, { username: "admin", roles: ["user-admin"] });
  const invalid = owner.client.groupSyncUpdate({
    params: inDefault,
    body: { field: "g", regex_filter: "(" },
  });
  await expect(invalid).rejects.toMatchObject({ code: "invalid_argument" });
  const body = { field: "groups", mapping: { x: ["organization-admin"] } };
  await expect(admin.client.roleSyncUpdate({ params: inDefault, body })).rejects.toMatchObject({
    code: "permission_denied",
  });
  expect(await admin.client.groupSyncUpdate({ params: inDefault, body: { field: "g" } })).toMatchObject({
    field: "g",
  });
  const member = await server.user(owner);
  await expect(member.client.groupSyncGet({ params: inDefault })).rejects.toMatchObject({
    code: "not_found",
  });
});

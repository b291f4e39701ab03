import { randomUUID } from "node:crypto";
import { createTestCoderd } from "../testing/coderd.js";
import { createTemplate, startProvisioner } from "../testing/work.js";

test("a template is shared with users and groups, and access can be removed", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const { id } = await createTemplate(owner);
  const params = { template: id };
  const acl = async () => {
    const { users, group } = await owner.client.templateAcl({ params });
    return [...users.map((user) => [user.username, user.role]), ...group.map((one) => [one.name, one.role])];
  };
  expect(await acl()).toEqual([["Everyone", "use"]]);
  const { organization_id } = await owner.client.templateGet({ params });
  await owner.client.templateAclUpdate({
    params,
    body: { user_perms: { [ana.id]: "admin" }, group_perms: { [organization_id]: "" } },
  });
  expect(await acl()).toEqual([["ana", "admin"]]);
  await ana.client.templateUpdate({ params, body: { description: "Hers." } });
  const { users, groups } = await ana.client.templateAclAvailable({ params });
  expect(users.map(({ username }) => username)).toEqual(["ana", "owner"]);
  expect(groups.map(({ name }) => name)).toEqual(["Everyone"]);
  await owner.client.templateAclUpdate({ params, body: { user_perms: { [ana.id]: "" } } });
  await expect(ana.client.templateGet({ params })).rejects.toMatchObject({ code: "not_found" });
});

test("a template is shared with members and groups of its organization, and with nobody else", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  const params = { template: template.id };
  const { client } = owner;
  const other = await client.organizationCreate({ body: { name: "acme" } });
  const stranger = await server.user(owner, { username: "stranger" });
  await client.memberRemove({ params: { organization: "default", user: stranger.id } });

  for (const id of [
    "ana",
    "0",
    `${ana.id}x`,
    "-".repeat(36),
    randomUUID(),
    stranger.id,
    template.organization_id,
  ])
    await expect(
      client.templateAclUpdate({ params, body: { user_perms: { [id]: "use", [ana.id]: "admin" } } }),
    ).rejects.toMatchObject({ code: "invalid_argument", validations: [{ field: "user_perms" }] });
  for (const id of ["Everyone", randomUUID(), other.id, ana.id])
    await expect(
      client.templateAclUpdate({ params, body: { group_perms: { [id]: "use" } } }),
    ).rejects.toMatchObject({ code: "invalid_argument", validations: [{ field: "group_perms" }] });
  const { users, group } = await client.templateAcl({ params });
  expect(users).toEqual([]);
  expect(group.map(({ id }) => id)).toEqual([template.organization_id]);
  // Roles of a deleted user can still be removed.
  await client.templateAclUpdate({ params, body: { user_perms: { [randomUUID()]: "" } } });
});

test("roles granted in one request are all kept, and end with the membership or the group", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const { client } = owner;
  const people = [
    await server.user(owner, { username: "ana" }),
    await server.user(owner, { username: "ben" }),
  ];
  const [ana, ben] = people as [(typeof people)[0], (typeof people)[0]];
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const { id, organization_id: organization } = await createTemplate(owner);
  const params = { template: id };
  const devs = await client.groupCreate({ params: { organization }, body: { name: "devs" } });
  await client.groupUpdate({ params: { group: devs.id }, body: { add_users: [ben.id, ben.id, "ben"] } });
  await Promise.all([
    client.templateAclUpdate({ params, body: { group_perms: { [organization]: "" } } }),
    client.templateAclUpdate({ params, body: { group_perms: { [devs.id]: "use" } } }),
    ...people.map((user) => client.templateAclUpdate({ params, body: { user_perms: { [user.id]: "use" } } })),
  ]);
  const { users, group } = await client.templateAcl({ params });
  expect(users.map(({ username }) => username)).toEqual(["ana", "ben"]);
  expect(group.map(({ name }) => name)).toEqual(["devs"]);

  const comesBack = async (user: string) => {
    await client.memberRemove({ params: { organization, user } });
    await client.memberAdd({ params: { organization, user } });
  };
  await comesBack(ana.id);
  await expect(ana.client.templateGet({ params })).rejects.toMatchObject({ code: "not_found" });
  await comesBack(ben.id);
  await expect(ben.client.templateGet({ params })).rejects.toMatchObject({ code: "not_found" });
  await client.groupDelete({ params: { group: devs.id } });
  expect(await client.templateAcl({ params })).toEqual({ users: [], group: [] });
});

import { createTestCoderd } from "../testing/coderd.js";
import { createTemplate, startProvisioner } from "../testing/work.js";

test("a template is shared with people and groups, and what is taken back is gone", async () => {
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

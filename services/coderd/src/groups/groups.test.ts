import { createTestCoderd } from "../testing/coderd.js";

const organization = { organization: "default" };

test("a group has its members, and a member can see itself in it", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const [ana, ben] = [
    await server.user(owner, { username: "ana" }),
    await server.user(owner, { username: "ben" }),
  ];
  const { id } = await owner.client.groupCreate({
    params: organization,
    body: { name: "devs", quota_allowance: 5 },
  });
  const params = { group: id };
  const group = await owner.client.groupUpdate({ params, body: { name: "", add_users: [ana.id, "ben"] } });
  expect(group.members.map(({ username }) => username).sort()).toEqual(["ana", "ben"]);
  expect(group).toMatchObject({ name: "devs", quota_allowance: 5, total_member_count: 2 });

  const seen = await ana.client.groupGet({ params });
  expect(seen.members.map(({ username }) => username)).toEqual(["ana"]);
  expect(seen.total_member_count).toBe(2);
  await owner.client.groupUpdate({ params, body: { remove_users: [ben.id] } });
  await expect(ben.client.groupGet({ params })).rejects.toMatchObject({ code: "not_found" });

  const taken = owner.client.groupCreate({ params: organization, body: { name: "devs" } });
  await expect(taken).rejects.toMatchObject({ code: "conflict" });
  const stranger = owner.client.groupUpdate({
    params,
    body: { add_users: ["00000000-0000-0000-0000-000000000001"] },
  });
  await expect(stranger).rejects.toMatchObject({ code: "not_found" });
});

test("everyone in an organization is in its everyone group, which cannot be deleted", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  const everyone = await owner.client.groupGetByName({ params: { ...organization, groupName: "Everyone" } });
  expect(everyone.id).toBe(everyone.organization_id);
  expect(everyone.members.map(({ username }) => username)).toEqual(["ana", "owner"]);
  const hers = await ana.client.groupList({ query: { has_member: "ana" } });
  expect(hers.map(({ name }) => name)).toEqual(["Everyone"]);

  const params = { group: everyone.id };
  expect(await owner.client.groupUpdate({ params, body: { quota_allowance: 3 } })).toMatchObject({
    quota_allowance: 3,
  });
  const quota = await ana.client.memberQuota({ params: { ...organization, user: "me" } });
  expect(quota).toEqual({ credits_consumed: 0, budget: 3, limited: true });
  for (const refused of [
    owner.client.groupDelete({ params }),
    owner.client.groupUpdate({ params, body: { name: "nobody" } }),
    owner.client.groupUpdate({ params, body: { remove_users: [ana.id] } }),
  ])
    await expect(refused).rejects.toMatchObject({ code: "invalid_argument" });

  const other = await owner.client.organizationCreate({ body: { name: "acme" } });
  const groups = await owner.client.groupListByOrganization({ params: { organization: other.id } });
  expect(groups.map(({ id, name }) => [id, name])).toEqual([[other.id, "Everyone"]]);
});

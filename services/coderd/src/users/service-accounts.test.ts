import { createTestCoderd } from "../testing/coderd.js";

test("a service account has only tokens, and lists tell it from people", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await server.user(owner, { username: "ana" });
  const account = { username: "ci-bot", email: "", service_account: true };
  const bot = await owner.client.userCreate({ body: account });
  expect(bot).toMatchObject({ is_service_account: true, login_type: "none", email: "" });
  const { key } = await owner.client.tokenCreate({ params: { user: "ci-bot" }, body: { token_name: "ci" } });
  expect((await server.clientOf(key).userGet({ params: { user: "me" } })).username).toBe("ci-bot");

  const names = async (q: string) =>
    (await owner.client.userList({ query: { q } })).users.map(({ username }) => username);
  expect(await names("service_account:true")).toEqual(["ci-bot"]);
  expect(await names("service_account:false")).toEqual(["ana", "owner"]);
  await expect(names("service_account:maybe")).rejects.toMatchObject({ code: "invalid_argument" });

  for (const wrong of [{ email: "bot@example.com" }, { password: "SomeSecurePassword!" }])
    await expect(
      owner.client.userCreate({ body: { ...account, ...wrong, username: "bot-2" } }),
    ).rejects.toMatchObject({ code: "invalid_argument" });
});

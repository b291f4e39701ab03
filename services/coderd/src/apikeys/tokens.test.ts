import { createTestCoderd } from "../testing/coderd.js";

test("a token has the requested limits or is not created", async () => {
  await using server = await createTestCoderd();
  const { client, id } = await server.owner();
  const create = (body: Parameters<typeof client.tokenCreate>[0]["body"]) =>
    client.tokenCreate({ params: { user: "me" }, body });
  for (const allow_list of [
    [`workspace:${id}`],
    ["*:*", `user:${id}`],
    [{ type: "workspace", id }],
    ["workspace:*"],
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
  const scopes = (await client.tokenList({ params: { user: "me" } })).map((token) => token.scopes);
  expect(scopes).toEqual([["workspace:read"], ["workspace:read"], ["all"]]);
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

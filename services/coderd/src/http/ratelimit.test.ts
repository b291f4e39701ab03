import { createTestCoderd } from "../testing/coderd.js";

const LIMIT = 20;

test("requests with an invalid token are limited, with Retry-After", async () => {
  await using server = await createTestCoderd({ env: { CODER_API_RATE_LIMIT: String(LIMIT) } });
  const owner = await server.owner();
  const ask = (token: string) =>
    fetch(`${server.coderd.httpUrl}/api/v2/users/me`, { headers: { "coder-session-token": token } });
  const statuses: number[] = [];
  // A window may end in between; the next one allows as many again.
  for (let index = 0; index <= 2 * LIMIT; index++) {
    const response = await ask("aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb");
    statuses.push(response.status);
    if (response.status !== 429) continue;
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(((await response.json()) as { message: string }).message).toMatch(
      /^Rate limit exceeded \(20 requests per minute\)/,
    );
  }
  expect(new Set(statuses)).toEqual(new Set([401, 429]));
  // Signed-in requests are counted per user, not per address.
  expect((await ask(owner.token)).status).toBe(200);
});

test.each(["-1", "1000"])(
  "passwords are tried at most 60 times a minute, with CODER_API_RATE_LIMIT=%s",
  async (limit) => {
    await using server = await createTestCoderd({ env: { CODER_API_RATE_LIMIT: limit } });
    const attempt = () =>
      fetch(`${server.coderd.httpUrl}/api/v2/users/login`, {
        method: "POST",
        body: JSON.stringify({ email: "a@example.com", password: "wrong-password" }),
      });
    // The attempts may be in several windows of a minute.
    const statuses: number[] = [];
    while (!statuses.includes(429) && statuses.length < 600)
      statuses.push(...(await Promise.all([1, 2, 3, 4, 5].map(attempt))).map(({ status }) => status));
    expect(statuses.slice(0, 60)).toEqual(Array(60).fill(401));
    expect(statuses).toContain(429);
  },
);

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { DIST, startFleet } from "../harness/fleet.js";

const PYTHON = join(DIST, "scim-tester/bin/python");
const TOKEN = "scim-token-of-the-test";

/** The tester's results that are not successes, and how many there are in all. */
async function check(url: string): Promise<{ total: number; findings: string[][] }> {
  const script = join(import.meta.dirname, "scim/check.py");
  const { stdout } = await promisify(execFile)(PYTHON, [script, url], {
    env: { ...process.env, SCIM_TOKEN: TOKEN },
    maxBuffer: 16 * 1_048_576,
  });
  const results = JSON.parse(stdout) as string[][];
  return { total: results.length, findings: results.filter(([status]) => status !== "SUCCESS") };
}

test("scim2-tester finds nothing, and what a client provisions is a user of the deployment", async () => {
  await using fleet = await startFleet({ env: { CODER_SCIM_AUTH_HEADER: TOKEN } });
  const { total, findings } = await check(`${fleet.url}/scim/v2`);
  expect(findings).toEqual([]);
  expect(total).toBeGreaterThan(50);

  const headers = { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/scim+json" };
  const send = async (method: string, path: string, body: unknown) => {
    const url = `${fleet.url}/scim/v2${path}`;
    return fetch(url, { method, headers, body: JSON.stringify(body) });
  };
  const created = await send("POST", "/Users", { userName: "ana.ba@example.com", active: true });
  const { id } = (await created.json()) as { id: string };
  const shown = await fleet.coder(["users", "show", "ana-ba", "-o", "json"]);
  expect(JSON.parse(shown.stdout)).toMatchObject({ id, status: "dormant", login_type: "oidc" });
  const Operations = [{ op: "Replace", path: "active", value: "False" }];
  expect((await send("PATCH", `/Users/${id}`, { Operations })).status).toBe(200);
  const { status } = await fleet.client.userGet({ params: { user: id } });
  expect(status).toBe("suspended");
});

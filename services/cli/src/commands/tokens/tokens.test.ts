import { FleetError } from "@fleet/base";
import type { ApiKey } from "@fleet/sdk";
import { startDeployment } from "../../testing/deployment.js";
import { user } from "../../testing/objects.js";
import { createTestCli } from "../../testing/run.js";

const SECRET = "secretsecretsecretsecr";
const token = (id: string, token_name: string): ApiKey => ({
  id,
  token_name,
  user_id: user().id,
  username: "ana",
  last_used: "2026-11-24T09:00:00Z",
  expires_at: "2027-11-24T09:00:00Z",
  created_at: "2026-11-24T09:00:00Z",
  updated_at: "2026-11-24T09:00:00Z",
  login_type: "token",
  scope: "all",
  scopes: ["all"],
  lifetime_seconds: 60,
});

function requireKnown(key: string): void {
  if (key !== "0123456789") throw new FleetError("not_found", "No such key.");
}

test.each([
  ["ID of the provider", "0123456789"],
  ["its name", "ci"],
  ["the whole token", `0123456789-${SECRET}`],
])("a token is expired by %s, or deleted, without sending its secret", async (_what, given) => {
  await using cli = await createTestCli();
  await using deployment = await startDeployment({
    tokenList: () => [token("abcdefghij", "other"), token("0123456789", "ci")],
    keyDelete: ({ params }) => requireKnown(params.key!),
    keyExpire: ({ params }) => requireKnown(params.key!),
  });
  const run = (...args: string[]) =>
    cli.run(["--url", deployment.url, "--token", "t", "tokens", "rm", ...args]);
  expect(await run(given)).toMatchObject({ status: 0, stderr: "Expired token ci.\n" });
  expect(deployment.requests.join()).toContain("PUT /api/v2/users/me/keys/0123456789/expire");
  expect(await run(given, "--delete")).toMatchObject({ status: 0, stderr: "Deleted token ci.\n" });
  expect(deployment.requests.join()).not.toContain(SECRET);
  const unknown = await run(`9876543210-${SECRET}`);
  expect(unknown).toMatchObject({ status: 1 });
  expect(unknown.stderr).toContain('Token "9876543210" not found.');
});

test("a token is created with scopes and an allow list, and shown with them", async () => {
  await using cli = await createTestCli();
  const workspace = user().id;
  const limited = {
    ...token("0123456789", "ci"),
    scopes: ["workspace:read", "workspace:ssh"],
    allow_list: [{ type: "workspace", id: workspace }],
  };
  let body: unknown;
  await using deployment = await startDeployment({
    tokenCreate: (request) => {
      body = request.body;
      return { key: `0123456789-${SECRET}` };
    },
    tokenList: ({ query }) => (query.get("include_expired") === "true" ? [limited] : []),
    keyGet: () => {
      throw new FleetError("not_found", "No such key.");
    },
  });
  const run = (...args: string[]) => cli.run(["--url", deployment.url, "--token", "t", "tokens", ...args]);
  const scopes = ["--scope", "workspace:read", "--scope", "workspace:ssh"];
  const made = await run("create", "-n", "ci", ...scopes, "--allow", `workspace:${workspace}`);
  expect(made).toMatchObject({ status: 0, stdout: `0123456789-${SECRET}\n` });
  expect(body).toEqual({
    token_name: "ci",
    scopes: ["workspace:read", "workspace:ssh"],
    allow_list: [`workspace:${workspace}`],
  });
  const shown = (await run("view", "ci")).stdout;
  expect(shown).toContain("workspace:read,workspace:ssh");
  expect(shown).toContain(`workspace:${workspace}`);
  expect((await run("list")).stdout).not.toContain("0123456789");
  expect((await run("list", "--include-expired")).stdout).toContain("0123456789");
  const unknown = await run("view", "none");
  expect(unknown).toMatchObject({ status: 1 });
  expect(unknown.stderr).toContain('Token "none" not found.');
});

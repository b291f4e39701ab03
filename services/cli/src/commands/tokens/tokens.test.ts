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

test.each([
  ["ID of the provider", "0123456789"],
  ["its name", "ci"],
  ["the whole token", `0123456789-${SECRET}`],
])("a token is deleted by %s, without sending its secret", async (_what, given) => {
  await using cli = await createTestCli();
  await using deployment = await startDeployment({
    tokenList: () => [token("abcdefghij", "other"), token("0123456789", "ci")],
    keyDelete: ({ params }) => {
      if (params.key !== "0123456789") throw new FleetError("not_found", "No such key.");
    },
  });
  const run = (name: string) => cli.run(["--url", deployment.url, "--token", "t", "tokens", "rm", name]);
  expect(await run(given)).toMatchObject({ status: 0, stderr: "Deleted token ci.\n" });
  expect(deployment.requests.join()).not.toContain(SECRET);
  const unknown = await run(`9876543210-${SECRET}`);
  expect(unknown).toMatchObject({ status: 1 });
  expect(unknown.stderr).toContain('Token "9876543210" not found.');
});

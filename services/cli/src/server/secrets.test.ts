import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withoutSecrets } from "../commands/server.js";
import { keptSecret } from "./secrets.js";

test("a secret is generated once, also by concurrent starts, and is readable only by its owner", async () => {
  const folder = await mkdtemp(join(tmpdir(), "coder-secrets-"));
  const secrets = await Promise.all([keptSecret(folder, "psk"), keptSecret(folder, "psk")]);
  expect(new Set([...secrets, await keptSecret(folder, "psk")]).size).toBe(1);
  expect(secrets[0]).toMatch(/^[\w-]{43}$/);
  expect((await stat(join(folder, "psk"))).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(["psk"]);
  await rm(folder, { recursive: true });
});

test("secrets on the command line are omitted when the process starts again", () => {
  const url = "postgres://user:pass@host/db";
  expect(
    withoutSecrets(["server", "--postgres-url", url, "--http-address", ":1", `--redis-url=${url}`]),
  ).toEqual(["server", "--http-address", ":1"]);
});

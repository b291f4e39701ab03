import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { UserSshKey } from "@fleet/sdk";
import { startDeployment } from "../../testing/deployment.js";
import { createTestCli } from "../../testing/run.js";

const KEY: UserSshKey = {
  id: "11111111-1111-4111-8111-111111111111",
  name: "ana@laptop",
  public_key: "ssh-ed25519 AAAA",
  fingerprint: "SHA256:abc",
  created_at: "2026-11-24T09:00:00Z",
  last_used_at: null,
};

test("a key is read from its file, from standard input, or found in ~/.ssh if there is only one", async () => {
  await using cli = await createTestCli();
  const bodies: unknown[] = [];
  await using deployment = await startDeployment({
    userSshKeyCreate: ({ body }) => {
      bodies.push(body);
      return KEY;
    },
  });
  const add = (args: string[], input?: string) =>
    cli.run(["--url", deployment.url, "--token", "t", "ssh-keys", "add", ...args], input);
  expect((await add([])).stderr).toContain("There is no public key in");
  await mkdir(join(cli.folder, ".ssh"));
  const file = join(cli.folder, ".ssh", "id_ed25519.pub");
  await writeFile(file, "ssh-ed25519 AAAA ana@laptop\n");
  expect(await add([])).toMatchObject({ status: 0, stderr: "Added SSH key ana@laptop (SHA256:abc).\n" });
  await writeFile(join(cli.folder, ".ssh", "work.pub"), "");
  expect((await add([])).stderr).toContain("Name one of them: id_ed25519.pub, work.pub");
  await add([file, "--name", "laptop"]);
  await add([], "ssh-ed25519 BBBB");
  expect(bodies).toEqual([
    { public_key: "ssh-ed25519 AAAA ana@laptop\n" },
    { public_key: "ssh-ed25519 AAAA ana@laptop\n", name: "laptop" },
    { public_key: "ssh-ed25519 BBBB" },
  ]);
  expect((await add([join(cli.folder, "none.pub")])).stderr).toContain("Cannot read none.pub");
});

test("keys are listed, and removed by name, fingerprint or ID", async () => {
  await using cli = await createTestCli();
  const removed: unknown[] = [];
  await using deployment = await startDeployment({
    userSshKeyList: () => [KEY],
    userSshKeyDelete: ({ params }) => {
      removed.push(params.sshKey);
      return undefined;
    },
  });
  const run = (...args: string[]) => cli.run(["--url", deployment.url, "--token", "t", "ssh-keys", ...args]);
  const { stdout } = await run("list");
  expect(stdout).toMatch(/NAME\s+FINGERPRINT\s+ADDED\s+LAST USED/i);
  expect(stdout).toMatch(/ana@laptop\s+SHA256:abc .*never/);
  for (const name of [KEY.name, KEY.fingerprint, KEY.id]) await run("remove", "-y", name);
  expect(removed).toEqual([KEY.id, KEY.id, KEY.id]);
  expect((await run("remove", "-y", "other")).stderr).toContain("SSH key other not found.");
});

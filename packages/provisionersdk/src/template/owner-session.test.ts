import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { folderReadsOwnerSession, readsOwnerSession } from "./owner-session.js";

test.each([
  ["data.coder_workspace_owner.me.session_token", true],
  ['data.coder_workspace_owner.me["session_token"]', true],
  ['"%{ if data.coder_workspace_owner.me.session_token != null }"', true],
  ["owner = data.coder_workspace_owner.me\n", true],
  ["jsonencode(data.coder_workspace_owner.me)", true],
  ["data.coder_workspace_owner.me[local.attribute]", true],
  ["data.coder_workspace_owner.all[0]", true],
  ["values(data.coder_workspace_owner.me-2)", true],
  ['data "coder_workspace_owner" "me" {}', false],
  ["data.coder_workspace_owner.me.name", false],
  ["data.coder_workspace_owner.me-2.full_name", false],
  ["data.coder_workspace_owner.me[0].email", false],
  ["data.coder_workspace.me.name", false],
  ["", false],
])("%s: %s", (text, expected) => {
  expect(readsOwnerSession(text)).toBe(expected);
});

test("modules count, whatever their source; other files do not", async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "owner-session-"));
  stack.defer(() => rm(folder, { recursive: true }));
  const module = join(folder, ".terraform/modules/login");
  await mkdir(module, { recursive: true });
  await writeFile(join(folder, "main.tf"), 'module "login" { source = "coder/login" }');
  await writeFile(join(folder, "notes.md"), "session_token");
  expect(await folderReadsOwnerSession(folder)).toBe(false);
  await writeFile(
    join(module, "main.tf.json"),
    '{"output": {"t": {"value": "%{ if local.session_token }"}}}',
  );
  expect(await folderReadsOwnerSession(folder)).toBe(true);
  await rm(join(module, "main.tf.json"));
  await symlink("/elsewhere.tf", join(folder, "link.tf"));
  expect(await folderReadsOwnerSession(folder)).toBe(true);
});

import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestLogger } from "@fleet/testkit";
import { findTool } from "./tool.js";

async function createMachine(programs: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "fleet-tool-"));
  for (const [name, version] of Object.entries(programs)) {
    const path = join(folder, name);
    await writeFile(path, `#!/bin/sh\necho '{"terraform_version": "${version}"}'\n`);
    await chmod(path, 0o755);
  }
  const find = (more: { configured?: string; fetch?: typeof fetch } = {}) =>
    findTool({
      configured: undefined,
      searchPath: folder,
      cacheDirectory: folder,
      logger: createTestLogger(),
      ...more,
    });
  return { folder, find, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

test("terraform on PATH is preferred over tofu, and an outdated one is skipped", async () => {
  await using both = await createMachine({ terraform: "1.11.4", tofu: "1.10.0" });
  expect(await both.find()).toMatchObject({ path: join(both.folder, "terraform"), version: "1.11.4" });
  await using old = await createMachine({ terraform: "1.3.0", tofu: "1.10.0" });
  expect(await old.find()).toMatchObject({ path: join(old.folder, "tofu") });
});

test("a configured program is used or rejected, without a fallback", async () => {
  await using machine = await createMachine({ terraform: "1.11.4", ancient: "1.0.0" });
  await expect(machine.find({ configured: join(machine.folder, "ancient") })).rejects.toThrow(
    "is version 1.0.0, but 1.9.0 or later is required",
  );
  await expect(machine.find({ configured: "/nowhere/terraform" })).rejects.toThrow("CODER_TERRAFORM_PATH");
});

test("a failed or unexpected download is rejected with advice", async () => {
  await using machine = await createMachine();
  const offline = () => Promise.reject(new Error("no network"));
  await expect(machine.find({ fetch: offline })).rejects.toThrow(
    /Terraform was not found on PATH.*Install Terraform or OpenTofu/s,
  );
  const forged = async () => new Response("not terraform");
  await expect(machine.find({ fetch: forged })).rejects.toThrow(
    "does not match the pinned Terraform release",
  );
});

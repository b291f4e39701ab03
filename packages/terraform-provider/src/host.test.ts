import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { hostProvider } from "./host.js";
import { socketOf } from "./testing/ask.js";
import { createTerraform, hasTerraform } from "./testing/terraform.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "host-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("the socket is in a folder accessible only to this user, and is removed with the host", async () => {
  const host = await hostProvider({ env: {}, directory });
  const socket = socketOf(host.reattach);
  expect(statSync(socket).isSocket()).toBe(true);
  expect(statSync(dirname(socket)).mode & 0o777).toBe(0o700);
  await host.close();
  await host.close();
  expect(existsSync(dirname(socket))).toBe(false);
});

test("a folder path too long for a socket is rejected without leftovers", async () => {
  const long = mkdtempSync(join(directory, "x".repeat(100)));
  await expect(hostProvider({ env: {}, directory: long })).rejects.toThrow("too long for a Unix socket");
  expect(readdirSync(long)).toEqual([]);
});

const withTerraform = hasTerraform() ? test : test.skip;

withTerraform("terraform plans without init, and each host tells its own build's facts", async () => {
  const names = await Promise.all(
    ["ana", "bob"].map(async (owner) => {
      await using host = await hostProvider({ env: { CODER_WORKSPACE_OWNER: owner }, directory });
      await using terraform = await createTerraform();
      await terraform.write(
        "main.tf",
        `terraform {
          required_providers {
            coder = { source = "coder/coder" }
          }
        }
        data "coder_workspace_owner" "me" {}
        output "owner" { value = data.coder_workspace_owner.me.name }`,
      );
      const env = { TF_REATTACH_PROVIDERS: host.reattach, CODER_WORKSPACE_OWNER: "eve" };
      const applied = await terraform.run(["apply", "-auto-approve", "-no-color"], env);
      expect(applied.stderr).toBe("");
      return (await terraform.run(["output", "-raw", "owner"], env)).stdout;
    }),
  );
  expect(names).toEqual(["ana", "bob"]);
});

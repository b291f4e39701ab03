import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTestCli, type TestCli } from "../../testing/run.js";

let cli: TestCli;
let folder: string;
beforeEach(async () => {
  cli = await createTestCli();
  folder = join(cli.folder, "my-template");
  await mkdir(folder);
});
afterEach(() => cli[Symbol.asyncDispose]());

const lint = (...args: string[]) => cli.run(["templates", "lint", folder, ...args]);

test("lint shows each mistake with its source line, and fails for errors, or with --strict for warnings", async () => {
  await writeFile(join(folder, "main.tf"), 'variable "cloud_token" {\n}\n');
  const warned = await lint();
  expect(warned.stdout).toContain("main.tf:1: warning: Variable cloud_token looks like a secret");
  expect(warned.stdout).toContain('1 | variable "cloud_token" {');
  expect([warned.status, warned.stderr]).toEqual([0, "0 errors, 1 warning.\n"]);
  expect((await lint("--strict")).status).toBe(1);

  await writeFile(join(folder, "main.tf"), 'terraform {\n  backend "s3" {}\n}\n');
  const failed = await lint("-o", "json");
  expect(failed.status).toBe(1);
  expect(JSON.parse(failed.stdout)).toMatchObject([
    { rule: "stored-state", severity: "error", file: "main.tf", line: 2, source: '  backend "s3" {}' },
  ]);
});

test("lint needs no server and says when there is nothing to correct", async () => {
  await writeFile(join(folder, "main.tf"), 'output "x" {\n  value = 1\n}\n');
  expect(await lint()).toMatchObject({ status: 0, stdout: "", stderr: "No mistakes found.\n" });
  expect((await lint("--rules")).stdout).toMatch(/runs-while-stopped +warning +A machine that keeps running/);
  const missing = await cli.run(["templates", "lint", join(folder, "none")]);
  expect(missing.stderr).toContain("is not a directory. Specify the template's directory.");
});

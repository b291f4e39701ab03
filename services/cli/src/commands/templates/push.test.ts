import { mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { FleetError } from "@fleet/base";
import { packFiles, readArchive } from "@fleet/provisionersdk/archive";
import { type Handlers, startDeployment } from "../../testing/deployment.js";
import { job, template, version } from "../../testing/objects.js";
import { createTestCli, type TestCli } from "../../testing/run.js";

let cli: TestCli;
let folder: string;
let uploads: Buffer[];
let bodies: { user_variable_values: unknown; tags: unknown }[];
beforeEach(async () => {
  cli = await createTestCli();
  folder = join(cli.folder, "my-template");
  await mkdir(folder);
  await writeFile(join(folder, "main.tf"), "# main");
  uploads = [];
  bodies = [];
});
afterEach(() => cli[Symbol.asyncDispose]());

const organization = { id: version().organization_id, name: "coder", is_default: true };
const imported = version({ name: "v2", job: job({ type: "template_version_import" }) });
const handlers = (existing?: ReturnType<typeof template>): Handlers => ({
  userOrganizationList: () => [{ ...ORGANIZATION, ...organization }],
  templateGetByName: () => {
    if (existing) return existing;
    throw new FleetError("not_found", "No such template.");
  },
  fileUpload: ({ body }) => {
    uploads.push(body as Buffer);
    return { hash: imported.job.file_id };
  },
  templateVersionCreate: ({ body }) => {
    bodies.push(body as (typeof bodies)[number]);
    return imported;
  },
  templateVersionLogsFollow: () => [],
  templateVersionGet: () => version({ job: job({ tags: { scope: "organization", owner: "", gpu: "yes" } }) }),
  templateVersionVariables: () => [],
  templateVersionPromote: () => ({ message: "" }),
  templateCreate: () => template(),
});
const ORGANIZATION = {
  display_name: "",
  description: "",
  icon: "",
  created_at: "2026-11-24T09:00:00Z",
  updated_at: "2026-11-24T09:00:00Z",
};

async function push(args: string[], input: string | Buffer = "", existing?: ReturnType<typeof template>) {
  await using deployment = await startDeployment(handlers(existing));
  return await cli.run(["--url", deployment.url, "--token", "t", "templates", "push", "-y", ...args], input);
}

const uploaded = async () => (await readArchive(uploads[0]!, "application/x-tar")).map(({ path }) => path);

test("variables are those of terraform's files, then the variables file, then the flags; the files stay here", async () => {
  await writeFile(join(folder, "terraform.tfvars"), 'a = "file"\nb = "file"\nc = "file"\nzones = ["x"]\n');
  await writeFile(join(folder, "x.auto.tfvars.json"), '{"b": "auto", "c": "auto", "tags": {"k": "v"}}');
  await writeFile(join(folder, ".env"), "SECRET=1");
  const file = join(cli.folder, "values.yaml");
  await writeFile(file, "c: yaml\nd: yaml\n");
  const { status, stderr } = await push([
    ...["-d", folder, "--variables-file", file, "--variable", 'd=flag,"e=a,b"'],
  ]);
  expect(status).toBe(0);
  expect(bodies[0]!.user_variable_values).toEqual([
    { name: "a", value: "file" },
    { name: "b", value: "auto" },
    { name: "c", value: "yaml" },
    { name: "zones", value: '["x"]' },
    { name: "tags", value: '{"k":"v"}' },
    { name: "d", value: "flag" },
    { name: "e", value: "a,b" },
  ]);
  expect(await uploaded()).toEqual(["main.tf"]);
  expect(stderr).toContain("Hidden files are not uploaded: .env");
});

test("an archive from stdin is pushed, with and without -d -, also compressed", async () => {
  const tar = Buffer.from(await packFiles({ "piped.tf": "" }));
  expect(await push(["t"], tar)).toMatchObject({ status: 0 });
  expect(await uploaded()).toEqual(["piped.tf"]);
  uploads = [];
  await push(["t", "-d", "-"], gzipSync(tar));
  expect(await uploaded()).toEqual(["piped.tf"]);
  uploads = [];
  await push(["t", "-d", folder], tar);
  expect(await uploaded()).toEqual(["main.tf"]);
  expect(await push(["-d", "-"], tar)).toMatchObject({ status: 1 });
  expect(await push(["t", "-d", "-"], "")).toMatchObject({ status: 1 });
});

test("tags default to those of the active version, and - means none", async () => {
  await push(["t", "-d", folder], "", template());
  await push(["t", "-d", folder, "--provisioner-tag", "a=b,c=d"], "", template());
  await push(["t", "-d", folder, "--provisioner-tag", "-"], "", template());
  expect(bodies.map(({ tags }) => tags)).toEqual([
    { scope: "organization", owner: "", gpu: "yes" },
    { a: "b", c: "d" },
    {},
  ]);
});

test("pull restores modes and links, and accepts one format", async () => {
  await writeFile(join(folder, "make.sh"), "#!/bin/sh", { mode: 0o755 });
  await symlink("main.tf", join(folder, "linked.tf"));
  await push(["t", "-d", folder]);
  await using deployment = await startDeployment({ ...handlers(template()), fileDownload: () => uploads[0] });
  const target = join(cli.folder, "pulled");
  const pull = (...args: string[]) =>
    cli.run(["--url", deployment.url, "--token", "t", "templates", "pull", "t", target, ...args]);
  expect(await pull()).toMatchObject({ status: 0 });
  expect((await stat(join(target, "make.sh"))).mode & 0o111).not.toBe(0);
  expect(await readFile(join(target, "linked.tf"), "utf8")).toBe("# main");
  expect(await pull("--tar", "--zip")).toMatchObject({ status: 1 });
});

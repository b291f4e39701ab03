import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FleetError, systemClock } from "@fleet/base";
import { captureLogs } from "@fleet/testkit";
import { type ReleaseOptions, serveRelease } from "../testing/release.js";
import { type FindOptions, findEngine } from "./find.js";

const TERRAFORM = (version: string) => `Terraform v${version}\non linux_amd64\n`;
const TOFU = (version: string) => `OpenTofu v${version}\non linux_amd64\n`;

/** A machine with programs on PATH that print this for `version`, and a network with a release, or without one. */
async function createMachine(programs: Record<string, string> = {}, network?: ReleaseOptions) {
  const folder = await mkdtemp(join(tmpdir(), "fleet-find-"));
  for (const [name, output] of Object.entries(programs)) {
    await writeFile(join(folder, `${name}.txt`), output);
    await writeFile(
      join(folder, name),
      `#!/bin/sh\nread -r _ < ${folder}/${name}.txt\ncat ${folder}/${name}.txt\n`,
    );
    await chmod(join(folder, name), 0o755);
  }
  const maker = await serveRelease(network);
  if (!network) maker.release.server = "http://127.0.0.1:1";
  const logs = captureLogs();
  const find = (more: Partial<FindOptions> = {}) =>
    findEngine({
      setting: "auto",
      configured: undefined,
      searchPath: folder,
      directory: join(folder, "engines"),
      mirror: undefined,
      env: { PATH: process.env.PATH! },
      clock: systemClock,
      logger: logs.logger,
      releases: { terraform: maker.release, opentofu: { ...maker.release, server: "http://127.0.0.1:1" } },
      ...more,
    });
  return {
    folder,
    at: (name: string) => join(folder, name),
    maker,
    logs,
    find,
    async [Symbol.asyncDispose]() {
      await maker[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

test("a current Terraform on PATH comes before OpenTofu, unless the setting says otherwise", async () => {
  await using machine = await createMachine({ terraform: TERRAFORM("1.14.0"), tofu: TOFU("1.12.6-dev") });
  expect(await machine.find()).toEqual({
    name: "terraform",
    path: machine.at("terraform"),
    version: "1.14.0",
  });
  expect(await machine.find({ setting: "opentofu" })).toEqual({
    name: "opentofu",
    path: machine.at("tofu"),
    version: "1.12.6-dev",
  });
  expect(machine.maker.requests).toEqual([]);
});

test("an OpenTofu on PATH comes before an outdated Terraform", async () => {
  await using machine = await createMachine({ terraform: TERRAFORM("1.11.4"), tofu: TOFU("1.12.0") }, {});
  expect(await machine.find()).toMatchObject({ name: "opentofu" });
});

test.each([
  [
    "a warning about its settings",
    `\nWarning: Unable to open CLI configuration file\n\n${TERRAFORM("1.15.5")}`,
  ],
  [
    "colors and Windows' line ends",
    `\u001b[33mWarning\u001b[0m: x\r\n\u001b[1mTerraform v1.15.5\u001b[0m\r\non linux_amd64\r\n`,
  ],
  [
    "a notice after it",
    `${TERRAFORM("1.15.5")}\nYour version of Terraform is out of date! The latest is 1.99.0.\n`,
  ],
])("a version is read from output with %s", async (_what, output) => {
  await using machine = await createMachine({ terraform: output });
  expect(await machine.find()).toMatchObject({ name: "terraform", version: "1.15.5" });
});

test("without an engine on PATH the release is fetched, once", async () => {
  await using machine = await createMachine({}, {});
  const engine = await machine.find();
  expect(engine).toEqual({
    name: "terraform",
    path: expect.stringContaining("engines/terraform/"),
    version: "1.99.0",
  });
  const asked = machine.maker.requests.length;
  expect(await machine.find()).toEqual(engine);
  expect(machine.maker.requests).toHaveLength(asked);
});

test("a fetched program that does not run any more is fetched again", async () => {
  await using machine = await createMachine({}, {});
  const { path } = await machine.find();
  await writeFile(path, "");
  expect(await machine.find()).toMatchObject({ path, version: "1.99.0" });
  expect(await readFile(path, "utf8")).toContain("Terraform");
});

test("an outdated engine on PATH gives way to the release", async () => {
  await using machine = await createMachine({ terraform: TERRAFORM("1.11.4") }, {});
  expect(await machine.find()).toMatchObject({ version: "1.99.0" });
  expect(machine.logs.text()).toContain("terraform is Terraform 1.11.4, but templates need 1.14.0 or later.");
});

test("an outdated engine is used if nothing can be fetched, with a sentence", async () => {
  await using machine = await createMachine({ terraform: TERRAFORM("1.11.4"), tofu: TOFU("1.10.0") });
  const engine = await machine.find();
  expect(engine).toMatchObject({ name: "terraform", version: "1.11.4" });
  expect(engine.outdated).toMatch(
    /^\S+terraform is Terraform 1\.11\.4, but templates need 1\.14\.0 or later\. Terraform 1\.99\.0 could not be downloaded: .+ECONNREFUSED.+ Templates that need a later version fail\.$/,
  );
});

test("an engine that the daemon cannot use is never used", async () => {
  await using machine = await createMachine({
    terraform: TERRAFORM("1.10.5"),
    tofu: "Something else v1.12.0\n",
  });
  await expect(machine.find()).rejects.toThrow(
    /^Found no Terraform or OpenTofu on PATH\. .+could not be downloaded.+Install Terraform 1\.14 or later or OpenTofu 1\.12 or later on PATH, or set CODER_TERRAFORM_PATH/,
  );
  expect(machine.logs.text()).toContain("It is not used.");
});

test("a configured engine is used or refused, with nothing else in its place", async () => {
  await using machine = await createMachine({
    terraform: TERRAFORM("1.15.5"),
    old: TERRAFORM("1.11.4"),
    ancient: TERRAFORM("1.5.7"),
    mytofu: TOFU("1.12.6"),
  });
  const { at, find } = machine;
  expect(await find({ configured: at("mytofu") })).toEqual({
    name: "opentofu",
    path: at("mytofu"),
    version: "1.12.6",
  });
  expect(await find({ configured: at("old") })).toMatchObject({
    version: "1.11.4",
    outdated: expect.stringContaining(
      "but templates need 1.14.0 or later. It is used because CODER_TERRAFORM_PATH is set",
    ),
  });
  for (const [more, sentence] of [
    [{ configured: at("ancient") }, "is Terraform 1.5.7, but templates need 1.14.0 or later."],
    [{ configured: "/nowhere/terraform" }, "Could not run /nowhere/terraform (CODER_TERRAFORM_PATH)"],
    [
      { configured: at("mytofu"), setting: "terraform" },
      "CODER_TERRAFORM_PATH is OpenTofu 1.12.6, but CODER_TERRAFORM_ENGINE is terraform.",
    ],
  ] as const) {
    await expect(find(more)).rejects.toThrow(sentence);
    await expect(find(more)).rejects.toThrow(FleetError);
  }
});

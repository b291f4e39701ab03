import { execFile } from "node:child_process";
import { lstat, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Transition } from "@fleet/proto-gen/provisioner";
import { createTestArchives } from "../testing/archives.js";
import { outputOf } from "../testing/coderd.js";
import { createModuleServer } from "../testing/modules.js";
import {
  buildResult,
  CODER,
  createTerraformHarness,
  ENGINE,
  HAS_MIRROR,
  importResult,
  REGISTRY,
} from "../testing/terraform.js";

const run = promisify(execFile);

const MODULE = `${CODER}
variable "word" { type = string }
resource "terraform_data" "pod" {
  input = "\${coder_agent.main.id} \${var.word} \${file("\${path.module}/greeting.txt")}"
}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}`;

const usingModule = (source: string, rest = "") => ({
  "main.tf": `${CODER}
module "pod" {
  source = "${source}"
  word   = "first"
}
${rest}`,
});
const usingTime = (files: { "main.tf": string }) => ({
  "main.tf": `${files["main.tf"].replace("coder =", 'time = { source = "hashicorp/time" }\n    coder =')}
resource "time_static" "born" {}`,
});

/** A folder without any provider, in the place of a registry that is not reachable. */
async function emptyFolder() {
  const path = await mkdtemp(join(tmpdir(), "fleet-empty-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function timesOfInit(record: { timings: { stage: string }[] }) {
  return record.timings.filter(({ stage }) => stage === "init").length;
}

test("a build with modules succeeds on a daemon that never saw the version, with no registry reachable", async () => {
  const archives = createTestArchives();
  const modules = await createModuleServer(MODULE);
  const files = usingModule(modules.source);
  await using first = await createTerraformHarness({ archives });
  const { prepared } = await importResult(await first.importOf(files));
  expect(prepared!.installation).toMatchObject({ engine: ENGINE.name, providers: [] });
  expect(archives.uploads).toEqual([prepared!.installation!.modules!.sha256]);
  await modules[Symbol.asyncDispose]();

  await using second = await createTerraformHarness({ archives });
  for (const downloads of [1, 1]) {
    const job = await second.build(files, Transition.START, { prepared });
    const { state, resources } = await buildResult(job);
    expect(new TextDecoder().decode(state)).toContain("first hello");
    expect(resources.flatMap(({ agents }) => agents)).toMatchObject([{ name: "main" }]);
    expect(await timesOfInit(job)).toBe(0);
    expect(archives.downloads).toHaveLength(downloads);
  }
});

test("modules are resolved at each import and never by a build", async () => {
  const archives = createTestArchives();
  await using modules = await createModuleServer(MODULE);
  const files = usingModule(modules.source);
  await using fleet = await createTerraformHarness({ archives });
  const { prepared } = await importResult(await fleet.importOf(files));
  const asked = modules.requests();
  await buildResult(await fleet.build(files, Transition.START, { prepared }));
  expect(modules.requests()).toBe(asked);
  const again = await importResult(await fleet.importOf(files));
  expect(modules.requests()).toBeGreaterThan(asked);
  expect(again.prepared!.installation).toEqual(prepared!.installation);
  // The same bytes are not uploaded twice.
  expect(archives.uploads).toHaveLength(1);
});

(HAS_MIRROR ? test : test.skip)(
  "a provider is stored once for all versions, and linked, never copied, into builds",
  async () => {
    const archives = createTestArchives();
    await using modules = await createModuleServer(MODULE);
    const files = usingTime(usingModule(modules.source));
    await using first = await createTerraformHarness({ archives });
    const imports = await Promise.all(
      ["a", "b", "c"].map(async (name) => {
        const version = { "main.tf": `${files["main.tf"]}\n# ${name}` };
        return importResult(await first.importOf(version));
      }),
    );
    const [provider] = imports[0]!.prepared!.installation!.providers;
    expect(provider).toMatchObject({
      address: `${REGISTRY}/hashicorp/time`,
      hash: expect.stringMatching(/^h1:/),
    });
    expect(new TextDecoder().decode(imports[0]!.prepared!.providerLock)).toContain(provider!.hash);
    for (const { prepared } of imports) expect(prepared!.installation!.providers).toEqual([provider]);
    expect([...new Set(archives.uploads)].sort()).toEqual([...archives.stored.keys()].sort());
    expect(archives.stored.size).toBe(2);

    await using nothing = await emptyFolder();
    await using second = await createTerraformHarness({ archives, mirror: nothing.path });
    const version = { "main.tf": `${files["main.tf"]}\n# a` };
    const jobs = await Promise.all(
      [1, 2, 3].map(() => second.build(version, Transition.START, { prepared: imports[0]!.prepared! })),
    );
    for (const job of jobs) {
      await buildResult(job);
      expect(await timesOfInit(job)).toBe(0);
    }
    // Jobs that start together share a download.
    expect(archives.downloads.filter((hash) => hash === provider!.archive!.sha256)).toHaveLength(1);
    const [key] = await readdir(join(second.cacheDirectory, "providers"));
    const installedFiles = join(second.cacheDirectory, "providers", key!, "package");
    for (const name of await readdir(installedFiles)) {
      expect((await lstat(join(installedFiles, name))).mode & 0o222).toBe(0);
    }
  },
);

(HAS_MIRROR ? test : test.skip)("what the server gives in another provider's place is not run", async () => {
  const archives = createTestArchives();
  const files = usingTime({ "main.tf": CODER });
  await using first = await createTerraformHarness({ archives });
  const { prepared } = await importResult(await first.importOf(files));
  const [provider] = prepared!.installation!.providers;

  // Bytes that were changed, and others under their own hash.
  const other = createTestArchives();
  other.stored.set(provider!.archive!.sha256, Buffer.alloc(Number(provider!.archive!.size), 1));
  await using second = await createTerraformHarness({ archives: other });
  const job = await second.build(files, Transition.START, { prepared });
  await buildResult(job);
  expect(outputOf(job).join("\n")).toContain("does not have its size and hash. Running init.");

  const forged = { ...provider!, hash: `h1:${"A".repeat(43)}=` };
  const installation = { ...prepared!.installation!, providers: [forged] };
  await using third = await createTerraformHarness({ archives });
  const build = await third.build(files, Transition.START, { prepared: { ...prepared!, installation } });
  await buildResult(build);
  expect(outputOf(build).join("\n")).toContain("does not have the hash in its lock file. Running init.");

  const climbing = { ...provider!, address: "../../../evil/a/b" };
  const bad = { ...prepared!.installation!, providers: [climbing] };
  const refused = await third.build(files, Transition.START, {
    prepared: { ...prepared!, installation: bad },
  });
  await buildResult(refused);
  expect(outputOf(refused).join("\n")).toContain("invalid name. Running init.");
});

test("what the server does not store is said in the import's log, and its daemon remembers it", async () => {
  const archives = createTestArchives();
  archives.answers.refusal = "The server's store is full.";
  await using modules = await createModuleServer(MODULE);
  const files = usingModule(modules.source);
  await using fleet = await createTerraformHarness({ archives });
  const record = await fleet.importOf(files);
  const { prepared } = await importResult(record);
  expect(prepared!.installation).toBeUndefined();
  expect(outputOf(record)).toContain(
    "The version's modules and providers are not stored on the server: The server's store is full. Builds run init on each daemon that has not built this version yet.",
  );
  const asked = modules.requests();
  const job = await fleet.build(files, Transition.START, { prepared });
  await buildResult(job);
  expect(modules.requests()).toBe(asked);
  expect(await timesOfInit(job)).toBe(0);
});

test("a module with a link that leads out of it is not stored, and builds run init", async () => {
  const archives = createTestArchives();
  await using folder = await emptyFolder();
  const git = async (...args: string[]) =>
    void (await run("git", ["-C", folder.path, "-c", "user.name=t", "-c", "user.email=t@e", ...args]));
  await writeFile(join(folder.path, "main.tf"), MODULE);
  await writeFile(join(folder.path, "greeting.txt"), "from git");
  await git("init", "-q");
  await git("add", "-A");
  await git("commit", "-qm", "one");
  const files = usingModule(`git::file://${folder.path}`);
  await using fleet = await createTerraformHarness({ archives });
  const stored = await importResult(await fleet.importOf(files));
  expect(stored.prepared!.installation!.modules).toBeDefined();

  await symlink("/etc/passwd", join(folder.path, "users"));
  await git("add", "-A");
  await git("commit", "-qm", "two");
  const record = await fleet.importOf(files);
  const { prepared } = await importResult(record);
  expect(prepared!.installation).toBeUndefined();
  expect(outputOf(record).join("\n")).toContain('"pod/users" is a symbolic link to "/etc/passwd"');
});

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createCloser, systemClock } from "@fleet/base";
import { type PreparedVersion, Transition } from "@fleet/proto-gen/provisioner";
import { packFiles } from "@fleet/provisionersdk";
import { createTestLogger, engineForTests, linkMirror, waitFor } from "@fleet/testkit";
import { probe } from "../engine/probe.js";
import type { JobLimits } from "../isolation/limits.js";
import { type IsolationSettings, setUpTerraform } from "../terraform/setup.js";
import type { JobRecord } from "./coderd.js";
import { createHarness, type HarnessOptions } from "./harness.js";

export const CODER = 'terraform {\n  required_providers {\n    coder = { source = "coder/coder" }\n  }\n}\n';
export const LIMIT = { what: "the job's end", timeoutMs: 20_000 };

/** A filesystem mirror of real providers, as `terraform providers mirror` makes it. */
export const MIRROR = process.env.CODER_TEST_PROVIDER_MIRROR ?? "/tmp/mirror";
export const HAS_MIRROR = existsSync(join(MIRROR, "registry.terraform.io/hashicorp/time"));
if (!HAS_MIRROR) {
  process.stderr.write(
    `Tests with a real provider are left out: there is no hashicorp/time in ${MIRROR} (CODER_TEST_PROVIDER_MIRROR).\n`,
  );
}

/** The engine that the tests run on, and the registry that it takes a provider without a host from. */
export const ENGINE = await probe(engineForTests() ?? "terraform", { PATH: process.env.PATH ?? "" });
export const REGISTRY = ENGINE.name === "opentofu" ? "registry.opentofu.org" : "registry.terraform.io";

type TerraformHarnessOptions = HarnessOptions & {
  /** A filesystem mirror of providers. */
  mirror?: string;
  honorsPins?: boolean;
  /** Another executable than ENGINE's. */
  program?: string;
  hostEnv?: Readonly<Record<string, string>>;
  isolation?: IsolationSettings;
  limits?: JobLimits;
  /** A cache that no other user can enter, as in a home folder. */
  closedCache?: boolean;
};

export async function createTerraformHarness({
  mirror = MIRROR,
  honorsPins = false,
  isolation,
  limits,
  closedCache = false,
  ...options
}: TerraformHarnessOptions = {}) {
  const closer = createCloser();
  const root = await mkdtemp(join(tmpdir(), "fleet-tf-"));
  closer.add(() => rm(root, { recursive: true, force: true }));
  const cacheDirectory = closedCache ? join(root, "cache") : root;
  await mkdir(cacheDirectory, { recursive: true });
  const terraform = await setUpTerraform({
    cacheDirectory,
    terraformPath: options.program ?? ENGINE.path,
    cliConfig: await mirrorConfig(cacheDirectory, mirror),
    honorsPins,
    // For providers that are scripts for node.
    hostEnv: {
      ...process.env,
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      CODER_SECRET: "of the daemon",
      ...options.hostEnv,
    },
    ...(isolation && { isolation }),
    ...(limits && { limits }),
    closer,
    clock: systemClock,
    logger: createTestLogger(),
  });
  const harness = await createHarness({ ...options, provisioners: [terraform] });
  closer.add(() => harness[Symbol.asyncDispose]());
  const { coderd } = harness;
  const metadata = (transition: Transition) => ({
    transition,
    coderUrl: "http://127.0.0.1:3000",
    workspaceId: "11111111-1111-1111-1111-111111111111",
    workspaceName: "demo",
    ownerName: "ana",
    ownerId: "22222222-2222-2222-2222-222222222222",
    templateId: "t",
    templateName: "whole",
    templateVersion: "v1",
    workspaceBuildId: "b",
  });
  return {
    coderd,
    cacheDirectory,
    async importOf(files: Record<string, string>) {
      const source = coderd.upload(await packFiles(files));
      return coderd.push({
        provisioner: "terraform",
        source,
        type: { case: "templateImport", value: { metadata: metadata(Transition.START) } },
      });
    },
    async dryRun(files: Record<string, string>, values: Record<string, string>) {
      const source = coderd.upload(await packFiles(files));
      const richParameterValues = Object.entries(values).map(([name, value]) => ({ name, value }));
      const value = { metadata: metadata(Transition.START), richParameterValues, mockProviders: true };
      return coderd.push({ provisioner: "terraform", source, type: { case: "templateDryRun", value } });
    },
    async build(
      files: Record<string, string>,
      transition: Transition,
      more: {
        state?: Uint8Array;
        prepared?: PreparedVersion;
        values?: Record<string, string>;
        metadata?: object;
      } = {},
    ) {
      const source = coderd.upload(await packFiles(files));
      const { state, prepared, values = {} } = more;
      const richParameterValues = Object.entries(values).map(([name, value]) => ({ name, value }));
      const facts = { ...metadata(transition), ...more.metadata };
      const value = { metadata: facts, state, prepared, richParameterValues };
      return coderd.push({ provisioner: "terraform", source, type: { case: "workspaceBuild", value } });
    },
    /** Plans a start from the state. */
    async plan(
      files: Record<string, string>,
      { skipRefresh, ...build }: { state: Uint8Array; values: Record<string, string>; skipRefresh?: boolean },
    ) {
      const source = coderd.upload(await packFiles(files));
      const richParameterValues = Object.entries(build.values).map(([name, value]) => ({ name, value }));
      const planned = { metadata: metadata(Transition.START), state: build.state, richParameterValues };
      const value = { build: planned, skipRefresh: skipRefresh ?? false };
      return coderd.push({ provisioner: "terraform", source, type: { case: "workspacePlan", value } });
    },
    [Symbol.asyncDispose]: () => closer.close(),
  };
}

/** CLI configuration that allows the mirror only, with its packages in both engines' registries. */
async function mirrorConfig(folder: string, mirror: string): Promise<string> {
  const path = join(folder, "mirror.tfrc");
  const both = join(folder, "mirror");
  linkMirror(mirror, both);
  const from = `filesystem_mirror {\n    path = ${JSON.stringify(both)}\n  }`;
  await writeFile(path, `provider_installation {\n  ${from}\n}\n`);
  return path;
}

export async function importResult(record: JobRecord) {
  await waitFor(() => record.completed ?? record.failed, LIMIT);
  expect(record.failed?.error).toBeUndefined();
  const { type } = record.completed!;
  if (type.case !== "templateImport") throw new Error("not an import");
  return type.value;
}

export async function buildResult(record: JobRecord) {
  await waitFor(() => record.completed ?? record.failed, LIMIT);
  expect(record.failed?.error).toBeUndefined();
  const { type } = record.completed!;
  if (type.case !== "workspaceBuild") throw new Error("not a build");
  return type.value;
}

export async function planResult(record: JobRecord) {
  await waitFor(() => record.completed ?? record.failed, LIMIT);
  expect(record.failed?.error).toBeUndefined();
  const { type } = record.completed!;
  if (type.case !== "workspacePlan") throw new Error("not a plan");
  return type.value;
}

export async function failure(record: JobRecord) {
  await waitFor(() => record.completed ?? record.failed, LIMIT);
  expect(record.completed).toBeUndefined();
  return record.failed!;
}

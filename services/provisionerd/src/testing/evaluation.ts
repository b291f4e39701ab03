import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { createCloser, systemClock } from "@fleet/base";
import {
  type EvaluatedParameters,
  EvaluatedParametersSchema,
  Transition,
} from "@fleet/proto-gen/provisioner";
import { type EvaluateRequest, NO_ARCHIVES, packFiles } from "@fleet/provisionersdk";
import { createTestLogger, engineForTests } from "@fleet/testkit";
import { setUpTerraform } from "../terraform/setup.js";

export type Evaluation = {
  inputs?: Record<string, string>;
  groups?: string[];
  variables?: Record<string, string>;
  signal?: AbortSignal;
};

const METADATA = {
  transition: Transition.START,
  coderUrl: "http://127.0.0.1:3000",
  ownerId: "22222222-2222-2222-2222-222222222222",
  ownerName: "ana",
};

async function sourceOf(files: Record<string, string>) {
  const bytes = await packFiles(files);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { sha256, mimetype: "application/x-tar", read: async () => bytes };
}

/** A real terraform that evaluates templates, without a daemon around it. */
export async function createTestEvaluator(env: Record<string, string> = {}) {
  const closer = createCloser();
  const cacheDirectory = await mkdtemp(join(tmpdir(), "fleet-evaluate-"));
  closer.add(() => rm(cacheDirectory, { recursive: true, force: true }));
  const terraform = await setUpTerraform({
    cacheDirectory,
    terraformPath: engineForTests(),
    cliConfig: undefined,
    hostEnv: { ...process.env, ...env },
    closer,
    clock: systemClock,
    logger: createTestLogger(),
  });
  const signal = new AbortController().signal;
  return {
    cacheDirectory,
    /** Imports the template: what it prepares for builds, and its installed modules, stay on this machine. */
    async import(files: Record<string, string>) {
      await using session = await terraform.open({
        jobId: "import",
        source: await sourceOf(files),
        state: new Uint8Array(),
        prepared: undefined,
        debug: false,
        report: { stage() {}, log() {}, timing() {}, checkpoint() {} },
        archives: NO_ARCHIVES,
        stop: { graceful: signal, forced: signal },
      });
      const nothing = { parameters: [], previousParameters: [], variables: [], externalAuth: [] };
      await session.plan({ metadata: METADATA, ...nothing });
      return await session.prepare();
    },
    async evaluate(
      files: Record<string, string>,
      { inputs = {}, groups = [], variables = {}, signal = new AbortController().signal }: Evaluation = {},
    ): Promise<EvaluatedParameters> {
      const pairs = (values: Record<string, string>) =>
        Object.entries(values).map(([name, value]) => ({ name, value }));
      const request: EvaluateRequest = {
        source: await sourceOf(files),
        metadata: { ...METADATA, ownerGroups: groups },
        parameters: pairs(inputs),
        variables: pairs(variables).map((variable) => ({ ...variable, sensitive: false })),
        installation: undefined,
        archives: NO_ARCHIVES,
        signal,
      };
      return create(EvaluatedParametersSchema, await terraform.evaluate!(request));
    },
    [Symbol.asyncDispose]: () => closer.close(),
  };
}

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { isFleetError } from "@fleet/base";
import { LogSchema, TimingSchema } from "@fleet/proto-gen/provisioner";
import {
  externalAuthProvidersOf,
  instancesOfPlan,
  instancesOfState,
  packFiles,
  parametersOf,
  parseGraph,
  presetsOf,
  type Report,
  readArchive,
  readConfiguration,
  resourcesOf,
  unpackArchive,
  variablesOf,
  workspaceTagsOf,
} from "@fleet/provisionersdk";
import { createHostile } from "@fleet/testkit";
import { createUiReader } from "./terraform/ui.js";

/*
 * Any output of a template, its providers or terraform is either parsed or rejected with a domain error. Any other
 * error, a TypeError above all, would be reported as a fault of the daemon.
 */

const ROUNDS = 1_500;
const FIXTURES = join(import.meta.dirname, "../../../packages/provisionersdk/src/graph/fixtures");
const fixture = (name: string) => readFileSync(join(FIXTURES, name), "utf8");

/** Errors that are not domain errors, with their causes. */
async function faultsOf(rounds: number, work: (round: number) => unknown): Promise<string[]> {
  const faults: string[] = [];
  for (let round = 0; round < rounds; round++) {
    try {
      await work(round);
    } catch (error) {
      if (!isFleetError(error)) faults.push(`round ${round}: ${(error as Error).stack}`);
    }
  }
  return [
    ...new Set(
      faults.map((fault) =>
        fault
          .split("\n")
          .slice(0, 3)
          .join(" ")
          .replace(/round \d+/, ""),
      ),
    ),
  ];
}

test.each([
  ["a plan", "plan.json", instancesOfPlan],
  ["a state", "terraform.tfstate", instancesOfState],
])("%s with JSON of an unexpected shape", async (_name, file, read) => {
  const hostile = createHostile(31);
  const sample: unknown = JSON.parse(fixture(file));
  const graph = parseGraph(fixture("graph.dot"));
  const faults = await faultsOf(ROUNDS, (round) => {
    const text = round % 5 === 0 ? hostile.mutate(fixture(file)) : JSON.stringify(hostile.alter(sample));
    const instances = read(Buffer.from(text));
    for (const use of [parametersOf, presetsOf, externalAuthProvidersOf, workspaceTagsOf]) use(instances);
    resourcesOf(instances, graph);
  });
  expect(faults).toEqual([]);
});

test("an invalid graph", async () => {
  const hostile = createHostile(32);
  const faults = await faultsOf(ROUNDS / 5, () =>
    parseGraph(hostile.mutate(fixture("graph.dot")).toString()),
  );
  expect(faults).toEqual([]);
});

test("unexpected and empty terraform output", async () => {
  const hostile = createHostile(33);
  const lines = readFileSync(join(import.meta.dirname, "terraform/fixtures/apply.jsonl"), "utf8")
    .trim()
    .split("\n");
  const report = {
    log: (level, output) => void create(LogSchema, { level, output: output.normalize() }),
    timing: (timing) => void toBinary(TimingSchema, create(TimingSchema, timing)),
  } as Report;
  const reader = createUiReader({ told: new Set(), stage: "apply", report });
  const faults = await faultsOf(ROUNDS, (round) => {
    const line = hostile.pick(lines);
    reader.line(
      round % 3 === 0 ? hostile.mutate(line).toString() : JSON.stringify(hostile.alter(JSON.parse(line))),
    );
  });
  expect(faults).toEqual([]);
});

test("broken archives and configurations, without writes outside their folder", async () => {
  const hostile = createHostile(34);
  const folder = mkdtempSync(join(tmpdir(), "hostile-"));
  const files = {
    "main.tf": fixture("main.tf"),
    "sub/variables.tf":
      'variable "x" {\n  type = string\n  default = "a$${"b"}c"\n  validation {\n    condition = true\n  }\n}\n',
    "variables.tf.json": '{"variable":{"y":{"default":[1,{"a":null}]}}}',
    "README.md": "---\nname: x\n---\n",
  };
  const tar = Buffer.from(await packFiles(files));
  const zip = Buffer.from(
    "504b0304140000000000000021000000000002000000020000000100000061686950 4b0506".replace(/ /g, ""),
    "hex",
  );
  const faults = await faultsOf(ROUNDS / 5, async (round) => {
    const [bytes, type] = round % 2 ? [tar, "application/x-tar"] : [zip, "application/zip"];
    await unpackArchive(hostile.mutate(bytes!), type!, folder);
  });
  rmSync(folder, { recursive: true, force: true });
  expect(faults).toEqual([]);

  const entries = await readArchive(tar, "application/x-tar");
  const texts = await faultsOf(ROUNDS / 3, () => {
    const changed = entries.map((entry) =>
      entry.type === "file" ? { ...entry, bytes: hostile.mutate(Buffer.from(entry.bytes)) } : entry,
    );
    variablesOf(readConfiguration(changed));
  });
  expect(texts).toEqual([]);
});

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { createCloser, systemClock } from "@fleet/base";
import { MetadataSchema, Transition } from "@fleet/proto-gen/provisioner";
import {
  NO_ARCHIVES,
  type PlanRequest,
  type Provisioner,
  packFiles,
  TAR_MIMETYPE,
} from "@fleet/provisionersdk";
import { createTestLogger, engineForTests } from "@fleet/testkit";
import { setUpTerraform } from "./setup.js";

// One small configuration for each rule, planned and applied by a real engine.

const FIXTURES = join(import.meta.dirname, "fixtures/conversion");
const RULES = readdirSync(FIXTURES, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

const closer = createCloser();
let provisioner: Provisioner;

beforeAll(async () => {
  const cacheDirectory = await mkdtemp(join(tmpdir(), "conversion-"));
  closer.add(() => rm(cacheDirectory, { recursive: true, force: true }));
  provisioner = await setUpTerraform({
    cacheDirectory,
    terraformPath: engineForTests(),
    cliConfig: undefined,
    hostEnv: process.env,
    closer,
    clock: systemClock,
    logger: createTestLogger(),
  });
});
afterAll(() => closer.close());

const REQUEST: PlanRequest = {
  metadata: create(MetadataSchema, {
    transition: Transition.START,
    coderUrl: "http://127.0.0.1:3000",
    workspaceName: "demo",
    ownerName: "ana",
  }),
  parameters: [],
  previousParameters: [],
  variables: [],
  externalAuth: [],
};

/** Runs `work` on a session of these files. `said` collects the lines of the job's log. */
async function withSession<T>(
  files: Record<string, string>,
  work: (session: Awaited<ReturnType<Provisioner["open"]>>) => Promise<T>,
  said: string[] = [],
): Promise<T> {
  const archive = await packFiles(files);
  const stop = { graceful: new AbortController().signal, forced: new AbortController().signal };
  await using session = await provisioner.open({
    jobId: crypto.randomUUID(),
    source: { sha256: crypto.randomUUID(), mimetype: TAR_MIMETYPE, read: async () => archive },
    state: new Uint8Array(),
    prepared: undefined,
    debug: false,
    report: { stage() {}, log: (_level, output) => said.push(output), timing() {}, checkpoint() {} },
    stop,
    archives: NO_ARCHIVES,
  });
  return await work(session);
}

function filesIn(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".tf"),
  );
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

/** What was found, without what is empty, false or generated, so that a person can read it. */
function readable(found: unknown): string {
  const generated = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
  const skipped = new Set([
    "id",
    "displayApps",
    "connectionTimeoutSeconds",
    "operatingSystem",
    "architecture",
  ]);
  return JSON.stringify(
    found,
    (key, value: unknown) => {
      if (skipped.has(key) || key === "subagentId" || key.startsWith("$")) return undefined;
      if (key === "auth" && (value as { case?: string }).case !== "instanceId") return undefined;
      if (typeof value === "bigint") return value === 0n ? undefined : Number(value);
      if (value === "" || value === false || value === 0) return undefined;
      if (Array.isArray(value) && value.length === 0) return undefined;
      if (typeof value === "object" && value !== null && Object.keys(value).length === 0) return undefined;
      if (typeof value === "string" && generated.test(value)) return "(generated)";
      return typeof value === "string"
        ? value.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "(generated)")
        : value;
    },
    2,
  );
}

test.each(RULES)("%s: plan and state are converted alike", async (rule) => {
  const said: string[] = [];
  const { planned, applied } = await withSession(
    filesIn(join(FIXTURES, rule)),
    async (session) => ({ planned: await session.plan(REQUEST), applied: await session.apply(REQUEST) }),
    said,
  );
  expect(applied.error).toBeUndefined();
  const found = readable({
    resources: applied.resources,
    presets: planned.presets,
    warnings: said.filter((line) => line.startsWith("Warning: ")),
  });
  const golden = join(FIXTURES, rule, "golden.json");
  if (process.env.UPDATE_GOLDEN) writeFileSync(golden, `${found}\n`);
  expect(`${found}\n`).toBe(readFileSync(golden, "utf8"));
  // A plan does not know a text that holds an id.
  const shape = (resources: unknown) => readable({ resources }).replace(/\n *"script": "echo[^\n]*/g, "");
  expect(shape(planned.resources)).toBe(shape(applied.resources));
});

const AGENTS = `terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
resource "coder_agent" "other" {
  os   = "linux"
  arch = "amd64"
}
resource "terraform_data" "machine" {
  input = [coder_agent.main.token, coder_agent.other.token]
}
`;
const script = (
  name: string,
  more = "run_on_start = true",
  agent = "main",
) => `resource "coder_script" "${name}" {
  agent_id     = coder_agent.${agent}.id
  display_name = "${name}"
  script       = "true"
  ${more}
}
`;
const order = (
  ...rules: [run: string, after: string, more?: string][]
) => `data "coder_script_order" "order" {
${rules.map(([run, after, more = ""]) => `rule {\n run = ["${run}"]\n after = ["${after}"]\n ${more}\n}`).join("\n")}
}
`;
const START = script("a") + script("b") + script("c");

test.each([
  [
    "scripts that wait for each other",
    START +
      order(
        ["coder_script.a", "coder_script.b"],
        ["coder_script.b", "coder_script.c"],
        ["coder_script.c", "coder_script.a"],
      ),
    "Scripts wait for each other: coder_script.a after coder_script.b after coder_script.c after coder_script.a.",
  ],
  [
    "a script that waits for itself",
    START + order(["coder_script.a", "coder_script.a"]),
    "coder_script.a after coder_script.a",
  ],
  [
    "a script that does not exist",
    START + order(["coder_script.a", "coder_script.x"]),
    '"coder_script.x" does not exist',
  ],
  [
    "a key that does not exist",
    START + order(["coder_script.a", "coder_script.b[7]"]),
    '"coder_script.b[7]" does not exist',
  ],
  [
    "a module that does not exist",
    START + order(["coder_script.a", "module.x"]),
    '"module.x" does not exist',
  ],
  [
    "what is no selector",
    START + order(["coder_script.a", "coder_agent.main"]),
    '"coder_agent.main" is not a valid selector',
  ],
  [
    "scripts of two agents",
    START + script("d", "run_on_start = true", "other") + order(["coder_script.a", "coder_script.d"]),
    "belong to different agents",
  ],
  [
    "a script on a schedule only",
    START + script("d", 'cron = "0 0 * * * *"') + order(["coder_script.a", "coder_script.d"]),
    "must set exactly one of run_on_start and run_on_stop",
  ],
  [
    "a script of both phases",
    START +
      script("d", "run_on_start = true\n  run_on_stop = true") +
      order(["coder_script.a", "coder_script.d"]),
    "must set exactly one of run_on_start and run_on_stop",
  ],
  [
    "scripts of different phases",
    START + script("d", "run_on_stop = true") + order(["coder_script.a", "coder_script.d"]),
    "Use a rule for each phase",
  ],
  [
    "a script of another phase than the rule's",
    START + order(["coder_script.a", "coder_script.b", 'phase = "stop"']),
    'phase = "stop", but it names a script that runs at the start',
  ],
  [
    "two apps of one slug",
    ["x", "y"]
      .map(
        (name) =>
          `resource "coder_app" "${name}" {\n agent_id = coder_agent.main.id\n slug = "web"\n url = "http://localhost"\n}\n`,
      )
      .join(""),
    'App slug "web" is used more than once',
  ],
  [
    "two agents whose names differ in case only",
    'resource "coder_agent" "MAIN" {\n os = "linux"\n arch = "amd64"\n}\n',
    "is used more than once",
  ],
])("%s: the import fails", async (_what, text, message) => {
  const planning = withSession({ "main.tf": AGENTS + text }, (session) => session.plan(REQUEST));
  await expect(planning).rejects.toThrow(message);
});

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createCloser, nullLogger, systemClock, VERSION } from "@fleet/base";
import { startRedis } from "@fleet/embedded";
import { type PreparedVersion, Transition } from "@fleet/proto-gen/provisioner";
import { packFiles } from "@fleet/provisionersdk";
import { hostProvider } from "@fleet/terraform-provider";
import { createCoderdClient } from "../../services/provisionerd/src/coderd-client.js";
import { createDaemon } from "../../services/provisionerd/src/daemon.js";
import { createFileCache } from "../../services/provisionerd/src/files.js";
import { openJournal } from "../../services/provisionerd/src/journal.js";
import { createRedisSource } from "../../services/provisionerd/src/source/redis.js";
import { providerEnvironment } from "../../services/provisionerd/src/terraform/environment.js";
import { setUpTerraform } from "../../services/provisionerd/src/terraform/setup.js";
import { createTestCoderd, type JobRecord } from "../../services/provisionerd/src/testing/coderd.js";
import { quantile, report, round } from "./report.js";

/**
 * The overhead of a build beyond terraform itself: a start of a workspace with an agent, an app, a script and built-in
 * resources, from the daemon's claim of the job to its acknowledged completion. Compared, in alternating rounds, with
 * a bare `terraform plan` and `apply` of the same configuration with the provider reattached, and the commands that
 * upstream runs for a build, with upstream's own provider.
 */
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 15);
const MIRROR = process.env.CODER_TEST_PROVIDER_MIRROR ?? "/tmp/mirror";
const run = promisify(execFile);

const METADATA = {
  transition: Transition.START,
  coderUrl: "http://127.0.0.1:3000",
  workspaceId: "11111111-1111-1111-1111-111111111111",
  workspaceBuildId: "33333333-3333-3333-3333-333333333333",
  workspaceName: "bench",
  ownerId: "22222222-2222-2222-2222-222222222222",
  ownerName: "ana",
  templateId: "t",
  templateName: "bench",
  templateVersion: "v1",
};

const TEMPLATE = `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}
data "coder_parameter" "cpu" {
  name    = "cpu"
  type    = "number"
  default = 2
}
resource "coder_agent" "main" {
  os             = "linux"
  arch           = "amd64"
  startup_script = "echo ready"
  env            = { OWNER = data.coder_workspace_owner.me.name }
  metadata {
    key      = "load"
    script   = "uptime"
    interval = 10
  }
}
resource "coder_app" "web" {
  agent_id = coder_agent.main.id
  slug     = "web"
  url      = "http://localhost:8080"
}
resource "coder_script" "setup" {
  agent_id     = coder_agent.main.id
  display_name = "Setup"
  script       = "true"
  run_on_start = true
}
resource "terraform_data" "home" {
  input = data.coder_workspace.me.id
}
resource "terraform_data" "machine" {
  count = data.coder_workspace.me.start_count
  input = { script = coder_agent.main.init_script, home = terraform_data.home.id, cpu = data.coder_parameter.cpu.value }
}
`;

/** The same with a daily cost, which needs a quota decision between plan and apply. */
const PRICED = `${TEMPLATE}
resource "coder_metadata" "machine" {
  count       = data.coder_workspace.me.start_count
  resource_id = terraform_data.machine[0].id
  daily_cost  = 4
}
`;

const request = {
  metadata: METADATA,
  parameters: [],
  previousParameters: [],
  variables: [],
  externalAuth: [],
};

async function startFleet(closer: ReturnType<typeof createCloser>) {
  const folder = await mkdtemp(join(tmpdir(), "bench-build-"));
  closer.add(() => rm(folder, { recursive: true, force: true }));
  const redis = await startRedis({ dir: join(folder, "redis"), logger: nullLogger });
  closer.add(() => redis.close());
  const coderd = await createTestCoderd({ redisUrl: redis.url, prefix: "bench" });
  closer.add(async () => coderd[Symbol.asyncDispose]());
  const client = createCoderdClient({ address: coderd.address, credential: { psk: "bench" } });
  closer.add(() => client.close());
  const source = createRedisSource({
    url: redis.url,
    prefix: "bench",
    clock: systemClock,
    logger: nullLogger,
  });
  closer.add(() => source.close());
  const provisioner = await setUpTerraform({
    terraformPath: process.env.CODER_TEST_ENGINE,
    cacheDirectory: join(folder, "cache"),
    cliConfig: undefined,
    hostEnv: process.env,
    closer,
    clock: systemClock,
    logger: nullLogger,
  });
  let startedAt = 0;
  let ended: ((ms: number) => void) | undefined;
  const daemonId = crypto.randomUUID();
  const daemon = createDaemon({
    client,
    source,
    provisioners: [provisioner],
    journal: await openJournal({
      directory: join(folder, "journal"),
      daemonId,
      clock: systemClock,
      logger: nullLogger,
    }),
    files: await createFileCache({ client, directory: join(folder, "files"), clock: systemClock }),
    evaluationSlots: 0,
    identity: {
      daemonId,
      name: "bench",
      version: VERSION,
      tags: {},
      slots: 1,
      organization: "",
    },
    warnings: () => [],
    instruments: {
      jobStarted: () => {
        startedAt = performance.now();
      },
      jobEnded: () => ended?.(performance.now() - startedAt),
    },
    clock: systemClock,
    logger: nullLogger,
  });
  closer.add(async () => {
    daemon.cancel();
    await daemon.done;
  });

  /** Runs one job; returns the milliseconds from claim to completion. */
  async function time(job: Parameters<typeof coderd.push>[0]): Promise<{ ms: number; record: JobRecord }> {
    const done = new Promise<number>((resolve) => {
      ended = resolve;
    });
    const record = await coderd.push({ provisioner: "terraform", ...job });
    const ms = await done;
    if (!record.completed) throw new Error(`A job failed: ${record.failed?.error}`);
    return { ms, record };
  }
  return { folder, coderd, time };
}

async function bench(): Promise<void> {
  const closer = createCloser();
  try {
    const { folder, coderd, time } = await startFleet(closer);
    const prepare = async (template: string) => {
      const source = coderd.upload(await packFiles({ "main.tf": template }));
      const { record } = await time({
        source,
        type: { case: "templateImport", value: { metadata: METADATA } },
      });
      const { type } = record.completed!;
      const prepared: PreparedVersion | undefined =
        type.case === "templateImport" ? type.value.prepared : undefined;
      return () =>
        time({ source, type: { case: "workspaceBuild", value: { metadata: METADATA, prepared } } });
    };
    const [plain, priced] = [await prepare(TEMPLATE), await prepare(PRICED)];

    let n = 0;
    const commands = async (env: Record<string, string>, template: string, list: readonly string[][]) => {
      const cwd = join(folder, `bare-${n++}`);
      await mkdir(cwd);
      await writeFile(join(cwd, "main.tf"), template);
      const options = {
        cwd,
        env: { ...process.env, TF_IN_AUTOMATION: "1", CHECKPOINT_DISABLE: "1", ...env },
      };
      const startedAt = performance.now();
      for (const args of list) await run("terraform", args, options);
      return performance.now() - startedAt;
    };
    const plan = ["plan", "-no-color", "-input=false", "-out=plan"];
    const apply = ["apply", "-no-color", "-input=false", "plan"];
    const show = (...file: string[]) => ["show", "-json", "-no-color", ...file];
    const bare = async (template: string) => {
      await using provider = await hostProvider({ env: providerEnvironment(request) });
      return await commands({ TF_REATTACH_PROVIDERS: provider.reattach }, template, [plan, apply]);
    };
    const mirrored = existsSync(join(MIRROR, "registry.terraform.io/coder/coder"));
    const upstream = () =>
      commands({ ...providerEnvironment(request), TF_CLI_CONFIG_FILE: join(folder, "mirror.rc") }, TEMPLATE, [
        ["init", "-no-color", "-input=false"],
        plan,
        show("plan"),
        ["graph"],
        apply,
        show(),
        ["graph"],
      ]);
    await writeFile(
      join(folder, "mirror.rc"),
      `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(MIRROR)}\n  }\n}\n`,
    );

    const sides: Record<string, () => Promise<number>> = {
      build: async () => (await plain()).ms,
      "bare plan + apply": () => bare(TEMPLATE),
      "build with a price": async () => (await priced()).ms,
      "bare, with a price": () => bare(PRICED),
      ...(mirrored && { "upstream's sequence": upstream }),
    };
    const samples = Object.fromEntries(Object.keys(sides).map((name) => [name, [] as number[]]));
    for (const side of Object.values(sides)) await side();
    for (let i = 0; i < ROUNDS; i++)
      for (const [name, side] of Object.entries(sides)) samples[name]!.push(await side());

    const middle = (name: string) => quantile(samples[name]!, 0.5);
    report({
      bench: "build",
      table: [
        ["ms", "p50", "p10", "p90"],
        ...Object.entries(samples).map(([name, values]) => [
          name,
          ...[0.5, 0.1, 0.9].map((q) => quantile(values, q).toFixed(0)),
        ]),
      ],
      results: {
        vs_reattached: round(middle("build") / middle("bare plan + apply")),
        vs_reattached_with_price: round(middle("build with a price") / middle("bare, with a price")),
        ...(mirrored && { vs_upstream: round(middle("build") / middle("upstream's sequence")) }),
        build_ms: round(middle("build"), 0),
      },
      goals: {
        vs_reattached: { op: "<=", value: 1.3 },
        ...(mirrored && { vs_upstream: { op: "<=", value: 0.25 } }),
      },
      notes: [
        `${ROUNDS} rounds, the sides in turns. A build is counted from its claim to its acknowledged end, over real gRPC and Redis.`,
        "Without a price nothing is decided between plan and apply, and one terraform process does both.",
        ...(mirrored ? [] : [`vs_upstream is left out: there is no provider mirror at ${MIRROR}.`]),
      ],
    });
  } finally {
    await closer.close();
  }
}

await bench();
process.exit(0);

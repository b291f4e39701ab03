import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { createCloser } from "@fleet/base";
import { hostProvider } from "@fleet/terraform-provider";
import { linkMirror } from "@fleet/testkit";
import { type Engine, titleOf } from "../../services/provisionerd/src/engine/engine.js";
import { probe } from "../../services/provisionerd/src/engine/probe.js";
import { providerEnvironment } from "../../services/provisionerd/src/terraform/environment.js";
import { createModuleServer } from "../../services/provisionerd/src/testing/modules.js";
import { SLOTS, startFleet } from "./build/fleet.js";
import { METADATA, modular, PRICED, TEMPLATE } from "./build/templates.js";
import { type Goal, quantile, report, round } from "./report.js";

/**
 * The overhead of a build beyond the engine itself: a start of a workspace with an agent, an app, a script and built-in
 * resources, from the daemon's claim of the job to its acknowledged completion. Compared, in alternating rounds, with
 * a bare `plan` and `apply` of the same configuration with the provider reattached, and the commands that upstream runs
 * for a build, with upstream's own provider. On each engine that is given, or found:
 *   make bench-build, or node scripts/bench/run.mjs build ENGINE…
 */
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 15);
const MIRROR = process.env.CODER_TEST_PROVIDER_MIRROR ?? "/tmp/mirror";
const MIRRORED = existsSync(join(MIRROR, "registry.terraform.io/coder/coder"));
/** Where .ci/run builds OpenTofu. */
const BUILT = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "fleet/tofu");
const run = promisify(execFile);

/** The host's environment, without a CLI configuration, which may not exist. */
const { TF_CLI_CONFIG_FILE: _, ...HOST } = process.env as Record<string, string>;

type Samples = Record<string, number[]>;

async function engines(): Promise<Engine[]> {
  const onPath = (program: string) =>
    (process.env.PATH ?? "")
      .split(delimiter)
      .map((folder) => join(folder, program))
      .find(existsSync);
  const found = [onPath("terraform"), onPath("tofu") ?? BUILT].filter((path) => path && existsSync(path));
  const given = process.argv.slice(2);
  return Promise.all((given.length > 0 ? given : found).map((path) => probe(path!, HOST)));
}

/** Measures all sides on one engine. */
async function measure(engine: Engine): Promise<Samples> {
  const closer = createCloser();
  try {
    const fleet = await startFleet(closer, engine);
    const modules = await createModuleServer('output "word" {\n  value = "hello"\n}\n');
    closer.add(() => modules[Symbol.asyncDispose]());
    const [plain, priced, used] = [
      await fleet.importOf(TEMPLATE),
      await fleet.importOf(PRICED),
      await fleet.importOf(modular(modules.source)),
    ];
    const bare = await createCommands(engine, fleet.folder);
    let fresh = 0;
    /** The first build of a daemon that has never seen the version, with what the import stored or without. */
    const first = async (stored: boolean) => {
      const other = createCloser();
      try {
        const { buildsOf } = await startFleet(other, engine, fleet.archives);
        const { installation: _stored, ...notStored } = used.prepared!;
        fresh += 1;
        const { build } = stored
          ? await buildsOf(used.template, used.prepared)
          : await buildsOf(`${used.template}# ${fresh}\n`, notStored);
        return await build();
      } finally {
        await other.close();
      }
    };
    const sides: Record<string, () => Promise<number>> = {
      build: () => plain.build(),
      "bare plan + apply": () => bare.reattached(TEMPLATE),
      "build with a price": () => priced.build(),
      "bare, with a price": () => bare.reattached(PRICED),
      "with a module, first, init": () => first(false),
      "with a module, first, stored": () => first(true),
      "with a module, second": () => used.build(),
      [`${SLOTS} builds at once`]: () => plain.build(SLOTS),
      [`${SLOTS} with a module at once`]: () => used.build(SLOTS),
      [`${SLOTS} bare at once`]: async () => {
        const startedAt = performance.now();
        await Promise.all(Array.from({ length: SLOTS }, () => bare.reattached(TEMPLATE)));
        return performance.now() - startedAt;
      },
      ...(MIRRORED && { "upstream's sequence": bare.upstream }),
    };
    const samples: Samples = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
    for (const side of Object.values(sides)) await side();
    for (let i = 0; i < ROUNDS; i++)
      for (const [name, side] of Object.entries(sides)) samples[name]!.push(await side());
    return samples;
  } finally {
    await closer.close();
  }
}

/** The engine without a daemon. */
async function createCommands(engine: Engine, folder: string) {
  const request = {
    metadata: METADATA,
    parameters: [],
    previousParameters: [],
    variables: [],
    externalAuth: [],
  };
  const plan = ["plan", "-no-color", "-input=false", "-out=plan"];
  const apply = ["apply", "-no-color", "-input=false", "plan"];
  const show = (...file: string[]) => ["show", "-json", "-no-color", ...file];
  const mirror = join(folder, "mirror");
  const config = join(folder, "mirror.rc");
  linkMirror(MIRROR, mirror);
  await writeFile(
    config,
    `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(mirror)}\n  }\n}\n`,
  );
  let n = 0;
  async function time(
    env: Record<string, string>,
    template: string,
    list: readonly string[][],
  ): Promise<number> {
    const cwd = join(folder, `bare-${n++}`);
    await mkdir(cwd);
    await writeFile(join(cwd, "main.tf"), template);
    const options = { cwd, env: { ...HOST, TF_IN_AUTOMATION: "1", CHECKPOINT_DISABLE: "1", ...env } };
    const startedAt = performance.now();
    for (const args of list) await run(engine.path, args, options);
    return performance.now() - startedAt;
  }
  return {
    async reattached(template: string) {
      await using provider = await hostProvider({ env: providerEnvironment(request) });
      return await time({ TF_REATTACH_PROVIDERS: provider.reattach }, template, [plan, apply]);
    },
    upstream: () =>
      time({ ...providerEnvironment(request), TF_CLI_CONFIG_FILE: config }, TEMPLATE, [
        ["init", "-no-color", "-input=false"],
        plan,
        show("plan"),
        ["graph"],
        apply,
        show(),
        ["graph"],
      ]),
  };
}

function resultsOf(samples: Samples): Record<string, number> {
  const middle = (name: string) => quantile(samples[name]!, 0.5);
  return {
    vs_reattached: round(middle("build") / middle("bare plan + apply")),
    vs_reattached_with_price: round(middle("build with a price") / middle("bare, with a price")),
    vs_reattached_at_once: round(middle(`${SLOTS} builds at once`) / middle(`${SLOTS} bare at once`)),
    module_second_vs_first: round(middle("with a module, second") / middle("with a module, first, init")),
    ...(MIRRORED && { vs_upstream: round(middle("build") / middle("upstream's sequence")) }),
    build_ms: round(middle("build"), 0),
  };
}

const GOALS: Record<string, Goal> = {
  vs_reattached: { op: "<=", value: 1 },
  module_second_vs_first: { op: "<=", value: 0.3 },
  ...(MIRRORED && { vs_upstream: { op: "<=", value: 0.12 } }),
};

async function bench(): Promise<void> {
  const table: string[][] = [["ms", "p50", "p10", "p90"]];
  const results: Record<string, number> = {};
  const goals: Record<string, Goal> = {};
  for (const engine of await engines()) {
    const samples = await measure(engine);
    for (const [name, values] of Object.entries(samples)) {
      table.push([
        `${titleOf(engine)}: ${name}`,
        ...[0.5, 0.1, 0.9].map((q) => quantile(values, q).toFixed(0)),
      ]);
    }
    const suffix = `${engine.name}_${engine.version.replace(/[^0-9]+/g, "_")}`.replace(/_$/, "");
    for (const [name, value] of Object.entries(resultsOf(samples))) results[`${name}.${suffix}`] = value;
    for (const [name, goal] of Object.entries(GOALS)) goals[`${name}.${suffix}`] = goal;
  }
  report({
    bench: "build",
    table,
    results,
    goals,
    notes: [
      `${ROUNDS} rounds, the sides in turns. A build is counted from its claim to its acknowledged end, over real gRPC and Redis.`,
      "Without a price nothing is decided between plan and apply, and one process does both.",
      "The first build with a module is of a daemon with an empty cache: with init, as without stored modules, and with what the import stored.",
      ...(MIRRORED ? [] : [`vs_upstream is left out: there is no provider mirror at ${MIRROR}.`]),
    ],
  });
}

await bench();
process.exit(0);

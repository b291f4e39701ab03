import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { createCloser, nullLogger, systemClock } from "@fleet/base";
import { Transition } from "@fleet/proto-gen/provisioner";
import {
  type EvaluateRequest,
  NO_ARCHIVES,
  packFiles,
  reduceConfiguration,
  writeReduction,
} from "@fleet/provisionersdk";
import { hostProvider } from "@fleet/terraform-provider";
import {
  providerEnvironment,
  reattachEnvironment,
} from "../../services/provisionerd/src/terraform/environment.js";
import { setUpTerraform } from "../../services/provisionerd/src/terraform/setup.js";
import { quantile, report, round } from "./report.js";

/**
 * How long a daemon takes to evaluate a template's parameters, warm, with values that it has not seen; for a template
 * without modules and for one with three. Compared, in alternating rounds, with a bare `terraform plan` of the same
 * reduced configuration. Then 20 people type into their forms at once, on one daemon.
 */
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 30);
const TYPISTS = 20;
const ANSWERS_EACH = 10;
/** A daemon's default. */
const SLOTS = 4;
/** Between an answer and the next key. */
const PAUSE_MS = 250;
const run = promisify(execFile);

const CODER = `terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
`;
const PLAIN = `${CODER}
locals {
  ides    = jsondecode(data.coder_parameter.ides.value)
  regions = yamldecode(file("\${path.module}/regions.yaml"))
}
data "coder_workspace_owner" "me" {}
data "coder_parameter" "ides" {
  name    = "ides"
  type    = "list(string)"
  default = jsonencode(["code"])
}
data "coder_parameter" "region" {
  name    = "region"
  default = local.regions[0]
  dynamic "option" {
    for_each = local.regions
    content {
      name  = option.value
      value = option.value
    }
  }
}
data "coder_parameter" "label" {
  name    = "label"
  default = "\${data.coder_workspace_owner.me.name}-\${data.coder_parameter.region.value}"
}
data "coder_parameter" "jetbrains" {
  count   = contains(local.ides, "jetbrains") ? 1 : 0
  name    = "jetbrains"
  default = "goland"
}
data "coder_workspace_tags" "tags" {
  tags = { zone = data.coder_parameter.region.value }
}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
`;
const MODULE = `${CODER}
variable "agent_id" { type = string }
variable "region" { type = string }
variable "name" { type = string }
data "coder_parameter" "version" {
  name    = "\${var.name} version"
  default = "\${var.region}-1"
  dynamic "option" {
    for_each = range(1, 6)
    content {
      name  = tostring(option.value)
      value = "\${var.region}-\${option.value}"
    }
  }
}
resource "coder_script" "install" {
  agent_id     = var.agent_id
  display_name = var.name
  script       = "true"
}
output "version" { value = data.coder_parameter.version.value }
`;
const NAMES = ["code", "jetbrains", "filebrowser"];
const calls = NAMES.map(
  (name) => `module "${name}" {
  source   = "./modules/${name}"
  agent_id = coder_agent.main.id
  region   = data.coder_parameter.region.value
  name     = "${name}"
}
`,
).join("");

const TEMPLATES: Record<string, Record<string, string>> = {
  plain: { "main.tf": PLAIN, "regions.yaml": "[eu, us]" },
  modules: {
    "main.tf": PLAIN + calls,
    "regions.yaml": "[eu, us]",
    ...Object.fromEntries(NAMES.map((name) => [`modules/${name}/main.tf`, MODULE])),
  },
};

const METADATA = {
  transition: Transition.START,
  coderUrl: "http://127.0.0.1:3000",
  ownerId: "22222222-2222-2222-2222-222222222222",
  ownerName: "ana",
};

const closer = createCloser();
try {
  const folder = await mkdtemp(join(tmpdir(), "bench-parameters-"));
  closer.add(() => rm(folder, { recursive: true, force: true }));
  const engine = process.env.CODER_TEST_ENGINE;
  const terraform = await setUpTerraform({
    terraformPath: engine,
    cacheDirectory: join(folder, "cache"),
    cliConfig: undefined,
    hostEnv: process.env,
    closer,
    clock: systemClock,
    logger: nullLogger,
  });

  async function requestFor(files: Record<string, string>) {
    const bytes = await packFiles(files);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return (label: string): EvaluateRequest => ({
      source: { sha256, mimetype: "application/x-tar", read: async () => bytes },
      metadata: METADATA,
      parameters: [{ name: "label", value: label }],
      variables: [],
      installation: undefined,
      archives: NO_ARCHIVES,
      signal: new AbortController().signal,
    });
  }

  async function timed(work: () => Promise<unknown>): Promise<number> {
    const from = performance.now();
    await work();
    return performance.now() - from;
  }

  /** A plan of the reduced configuration by hand, with the provider that stays up. */
  async function barePlan(files: Record<string, string>, name: string) {
    const place = join(folder, name);
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(place, path)), { recursive: true });
      await writeFile(join(place, path), text);
    }
    await writeReduction(place, await reduceConfiguration(place));
    const parameters = [{ name: "label", value: "bare" }];
    const env = providerEnvironment({
      metadata: METADATA,
      parameters,
      previousParameters: [],
      variables: [],
      externalAuth: [],
    });
    const provider = await hostProvider({ env });
    closer.add(() => provider.close());
    const options = {
      cwd: place,
      env: {
        PATH: process.env.PATH,
        CHECKPOINT_DISABLE: "1",
        TF_CLI_CONFIG_FILE: "/dev/null",
        ...reattachEnvironment(provider.reattach, process.pid),
      },
    };
    const args = ["plan", "-json", "-input=false", "-no-color", "-refresh=false", "-lock=false"];
    return () => run(engine ?? "terraform", args, options);
  }

  const measured: Record<string, { ours: number[]; bare: number[] }> = {};
  for (const [name, files] of Object.entries(TEMPLATES)) {
    const request = await requestFor(files);
    const bare = await barePlan(files, name);
    const times = { ours: [] as number[], bare: [] as number[] };
    await terraform.evaluate!(request("warm"));
    await bare();
    for (let i = 0; i < ROUNDS; i++) {
      times.ours.push(await timed(() => terraform.evaluate!(request(randomUUID()))));
      times.bare.push(await timed(bare));
    }
    measured[name] = times;
  }

  const typed: number[] = [];
  const waiting: (() => void)[] = [];
  let free = SLOTS;
  const request = await requestFor(TEMPLATES.plain!);
  const answer = async () => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    try {
      await terraform.evaluate!(request(randomUUID()));
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
  await Promise.all(
    Array.from({ length: TYPISTS }, async () => {
      for (let i = 0; i < ANSWERS_EACH; i++) {
        typed.push(await timed(answer));
        await systemClock.sleep(PAUSE_MS);
      }
    }),
  );

  const p50 = (name: string, kind: "ours" | "bare") => quantile(measured[name]![kind], 0.5);
  const rows = Object.keys(measured).map((name) => [
    name,
    ...[p50(name, "ours"), quantile(measured[name]!.ours, 0.99), p50(name, "bare")].map(
      (ms) => `${round(ms)} ms`,
    ),
    String(round(p50(name, "ours") / p50(name, "bare"))),
  ]);
  report({
    bench: "parameters",
    table: [
      ["template", "evaluate p50", "p99", "bare plan p50", "ratio"],
      ...rows,
      [
        `${TYPISTS} typists`,
        `${round(quantile(typed, 0.5))} ms`,
        `${round(quantile(typed, 0.99))} ms`,
        "",
        "",
      ],
    ],
    results: {
      evaluate_p50_ms: round(p50("plain", "ours")),
      evaluate_modules_p50_ms: round(p50("modules", "ours")),
      evaluate_p99_ms: round(quantile(typed, 0.99)),
      vs_bare_plan: round(p50("plain", "ours") / p50("plain", "bare")),
      modules_vs_bare_plan: round(p50("modules", "ours") / p50("modules", "bare")),
    },
    goals: {
      evaluate_p50_ms: { op: "<=", value: 150 },
      evaluate_modules_p50_ms: { op: "<=", value: 400 },
      vs_bare_plan: { op: "<=", value: 1.2 },
      modules_vs_bare_plan: { op: "<=", value: 1.2 },
    },
    notes: [
      `evaluate_p99_ms is that of ${TYPISTS} people who type at once, on one daemon with ${SLOTS} slots.`,
    ],
  });
} finally {
  await closer.close();
}
process.exit(0);

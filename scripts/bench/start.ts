import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Transition } from "@fleet/proto-gen/provisioner";
import { agentTokensOf } from "@fleet/provisionersdk";
import type { Workspace } from "@fleet/sdk";
import { hostProvider } from "@fleet/terraform-provider";
import { waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import { DIST, EXECUTABLE, type Fleet, startFleet } from "../../e2e/harness/fleet.js";
import { pidsWith, succeed } from "../../e2e/harness/workspace.js";
import { providerEnvironment } from "../../services/provisionerd/src/terraform/environment.js";
import { METADATA } from "./build/templates.js";
import { median, type Report, report, round } from "./report.js";

/**
 * From a request to a shell prompt, on one machine with a whole fleet, in alternating rounds: the start of a stopped
 * workspace of the template `local`, the claim of a prebuild of it, and as the baseline a bare `terraform apply` of the
 * template, followed by the same agent started by hand. A shell prompt is the first output of a terminal.
 */
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7);
const PORT = 13_999;
const run = promisify(execFile);
const LIMIT = { timeoutMs: 120_000 };

/** Milliseconds, by phase. */
type Phases = Record<string, number>;
const total = (phases: Phases) => Object.values(phases).reduce((sum, ms) => sum + ms, 0);

/** A folder with the template, and a preset of which one prebuild is kept. */
async function templateIn(folder: string): Promise<string> {
  const template = join(folder, "template");
  await cp(join(DIST, "templates/local"), template, { recursive: true });
  const main = join(template, "main.tf");
  const preset = `
data "coder_workspace_preset" "bench" {
  name       = "bench"
  parameters = { (data.coder_parameter.port.name) = "${PORT}" }
  prebuilds {
    instances = 1
  }
}
`;
  await writeFile(main, `${await readFile(main, "utf8")}${preset}`);
  return template;
}

const agentOf = ({ latest_build }: Workspace) =>
  latest_build.resources.flatMap((resource) => resource.agents ?? [])[0];

/** Waits until the workspace's build has succeeded and its agent is connected, and then until a terminal shows something. */
async function shell(fleet: Fleet, id: string, begunMs: number): Promise<Phases> {
  let builtMs = 0;
  const agent = await waitFor(
    async () => {
      const workspace = await fleet.client.workspaceGet({ params: { workspace: id } });
      const { status, job } = workspace.latest_build;
      if (status === "failed") throw new Error(`The build failed: ${job.error}`);
      if (status !== "running") return undefined;
      builtMs ||= performance.now();
      const found = agentOf(workspace);
      return found?.status === "connected" ? found : undefined;
    },
    { what: "the agent", ...LIMIT },
  );
  const connectedMs = performance.now();
  await prompt(fleet, agent.id);
  return { build: builtMs - begunMs, agent: connectedMs - builtMs, shell: performance.now() - connectedMs };
}

/** Opens a terminal, again until the agent's tunnel is there, and waits for its first output. */
async function prompt(fleet: Fleet, agentId: string): Promise<void> {
  const url = `${fleet.url.replace("http", "ws")}/api/v2/workspaceagents/${agentId}/pty?reconnect=${randomUUID()}&height=24&width=80`;
  for (let attempt = 0; ; attempt++) {
    const socket = new WebSocket(url, { headers: { "coder-session-token": fleet.token } });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once("message", () => resolve());
        socket.once("error", reject);
        socket.once("close", () => reject(new Error("The terminal was closed.")));
      });
      return;
    } catch (error) {
      if (attempt > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    } finally {
      socket.terminate();
    }
  }
}

/** Builds the workspace and waits for the end of the build. */
async function build(fleet: Fleet, id: string, transition: "start" | "stop" | "delete"): Promise<void> {
  await fleet.client.workspaceBuildCreate({ params: { workspace: id }, body: { transition } });
  await waitFor(
    async () => {
      const params = { workspace: id };
      const { latest_build } = await fleet.client.workspaceGet({ params, query: { include_deleted: true } });
      return latest_build.job.completed_at;
    },
    { what: `the ${transition}`, ...LIMIT },
  );
}

async function started(fleet: Fleet, id: string): Promise<Phases> {
  await build(fleet, id, "stop");
  const begunMs = performance.now();
  await fleet.client.workspaceBuildCreate({ params: { workspace: id }, body: { transition: "start" } });
  return shell(fleet, id, begunMs);
}

async function claimed(fleet: Fleet, templateId: string, presetId: string, round: number): Promise<Phases> {
  const stock = await waitFor(
    async () => {
      const { workspaces } = await fleet.client.workspaceList({ query: { q: "owner:prebuilds" } });
      return workspaces.find((workspace) => agentOf(workspace)?.lifecycle_state === "ready");
    },
    { what: "a prebuild", ...LIMIT },
  );
  await fleet.client.prebuildSettingsUpdate({ body: { reconciliation_paused: true } });
  const begunMs = performance.now();
  const body = { name: `claim-${round}`, template_id: templateId, template_version_preset_id: presetId };
  const { id } = await fleet.client.workspaceCreate({ params: { user: "me" }, body });
  if (id !== stock.id) throw new Error("The prebuild was not claimed.");
  const phases = await shell(fleet, id, begunMs);
  await build(fleet, id, "delete");
  await fleet.client.prebuildSettingsUpdate({ body: { reconciliation_paused: false } });
  return phases;
}

/** A bare apply of the template in a folder of its own. */
async function createBare(template: string, folder: string) {
  const request = (transition: Transition) => ({
    metadata: { ...METADATA, workspaceId: "bench-bare", transition },
    parameters: [],
    previousParameters: [],
    variables: [],
    externalAuth: [],
  });
  async function apply(transition: Transition): Promise<number> {
    await using provider = await hostProvider({ env: providerEnvironment(request(transition)) });
    const { TF_CLI_CONFIG_FILE: _, ...host } = process.env;
    const env = {
      ...host,
      TF_REATTACH_PROVIDERS: provider.reattach,
      TF_IN_AUTOMATION: "1",
      CHECKPOINT_DISABLE: "1",
      TF_VAR_data_dir: folder,
    };
    const begunMs = performance.now();
    const program = process.env.CODER_TEST_ENGINE ?? "terraform";
    await run(program, ["apply", "-auto-approve", "-no-color", "-input=false"], { cwd: template, env });
    return performance.now() - begunMs;
  }
  await apply(Transition.START);
  return {
    async apply() {
      await apply(Transition.STOP);
      return apply(Transition.START);
    },
    stop: () => apply(Transition.STOP),
  };
}

/** The running workspace's agent, ended and started again by hand. */
async function byHand(fleet: Fleet, id: string, home: string): Promise<number> {
  const workspace = await fleet.client.workspaceGet({ params: { workspace: id } });
  const state = await fleet.client.workspaceBuildState({ params: { build: workspace.latest_build.id } });
  const { token } = agentTokensOf(new Uint8Array(await state.arrayBuffer()))[0]!;
  for (const pid of pidsWith(`CODER_LOCAL_WORKSPACE=${id}`)) process.kill(pid, "SIGKILL");
  await waitFor(
    async () => {
      const now = await fleet.client.workspaceGet({ params: { workspace: id } });
      return agentOf(now)?.status !== "connected";
    },
    { what: "the agent to be gone", ...LIMIT },
  );
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    SHELL: "/bin/sh",
    CODER_AGENT_URL: fleet.url,
    CODER_AGENT_TOKEN: token,
    // So that its scripts' programs end with the workspace.
    CODER_LOCAL_WORKSPACE: id,
  };
  const begunMs = performance.now();
  const agent: ChildProcess = spawn(EXECUTABLE, ["agent"], { env, cwd: home, stdio: "ignore" });
  try {
    await shell(fleet, id, begunMs);
    return performance.now() - begunMs;
  } finally {
    agent.kill("SIGKILL");
  }
}

async function measure(): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), "bench-start-"));
  try {
    await using fleet = await startFleet({
      env: { CODER_WORKSPACE_PREBUILDS_RECONCILIATION_INTERVAL: "1s" },
    });
    const template = await templateIn(folder);
    const variable = `data_dir=${join(fleet.configDir, "../workspaces")}`;
    await succeed(fleet, [
      "templates",
      "push",
      "local",
      "--directory",
      template,
      "--variable",
      variable,
      "--yes",
    ]);
    const [local] = await fleet.client.templateList();
    const { id: templateId, active_version_id: version } = local!;
    const presets = await fleet.client.templateVersionPresets({ params: { version } });
    const presetId = presets![0]!.ID;
    const body = { name: "bench", template_id: templateId };
    const { id } = await fleet.client.workspaceCreate({ params: { user: "me" }, body });
    await shell(fleet, id, performance.now());
    const bare = await createBare(template, folder);
    const starts: Phases[] = [];
    const claims: Phases[] = [];
    const bares: Phases[] = [];
    for (let round = -1; round < ROUNDS; round++) {
      const [start, claim] = [
        await started(fleet, id),
        await claimed(fleet, templateId, presetId, round + 1),
      ];
      const alone = { "terraform apply": await bare.apply(), agent: await byHand(fleet, id, folder) };
      if (round < 0) continue;
      starts.push(start);
      claims.push(claim);
      bares.push(alone);
    }
    await bare.stop();
    return reportOf(starts, claims, bares);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function reportOf(starts: readonly Phases[], claims: readonly Phases[], bares: readonly Phases[]): Report {
  const ms = (sides: readonly Phases[]) => median(sides.map(total));
  const ratio = (a: readonly Phases[], b: readonly Phases[]) =>
    median(a.map((phases, index) => total(phases) / total(b[index]!)));
  const rows = (title: string, sides: readonly Phases[]) => [
    [title, ms(sides).toFixed(0)],
    ...Object.keys(sides[0]!).map((phase) => [
      `  ${phase}`,
      median(sides.map((phases) => phases[phase]!)).toFixed(0),
    ]),
  ];
  return {
    bench: "start",
    table: [
      ["", "median ms"],
      ...rows("start of a stopped workspace", starts),
      ...rows("claim of a prebuild", claims),
      ...rows("bare", bares),
    ],
    results: {
      start_to_shell_ms: round(ms(starts), 0),
      vs_bare: round(ratio(starts, bares)),
      claim_to_shell_ms: round(ms(claims), 0),
      claim_vs_start: round(ratio(claims, starts)),
    },
    goals: {
      start_to_shell_ms: { op: "<=", value: 1_500 },
      vs_bare: { op: "<=", value: 1.3 },
      claim_to_shell_ms: { op: "<=", value: 500 },
      claim_vs_start: { op: "<=", value: 0.4 },
    },
    notes: [
      `${ROUNDS} rounds, the sides in turns. Of each side, \`build\` is the time to the end of the build, \`agent\` from there until the agent is connected, \`shell\` until a terminal shows its first output.`,
      "A start downloads the agent from the deployment; the agent that is started by hand is on the disk.",
    ],
  };
}

report(await measure());
process.exit(0);

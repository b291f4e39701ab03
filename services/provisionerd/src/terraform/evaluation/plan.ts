import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FleetError, type Logger } from "@fleet/base";
import { deferredOfPlan, type EvaluateRequest, type Instance } from "@fleet/provisionersdk";
import { type DataRead, hostProvider } from "@fleet/terraform-provider";
import type { Engine } from "../../engine/engine.js";
import type { JobIsolation } from "../../isolation/isolation.js";
import type { Launch } from "../../isolation/launch.js";
import { capture, runCommand } from "../command.js";
import { providerEnvironment, reattachEnvironment, socketOf, variableEnvironment } from "../environment.js";
import { createLineSplitter, jsonDocument } from "../lines.js";
import type { Warden } from "../warden.js";

/** Data sources of one evaluation; a template with more is not evaluated. */
const MAX_READS = 2_000;
const MAX_DIAGNOSTICS = 50;
const MAX_WORDS = 20;

/** A message of terraform, as its JSON output has it. */
export type ToolDiagnostic = {
  severity: string;
  summary: string;
  detail?: string;
  range?: { filename: string; start: { line: number } };
  snippet?: { code?: string };
};

export type Planned = {
  reads: readonly DataRead[];
  /** Data sources that could not be read, because some of their attributes are unknown. */
  deferred: readonly { instance: Instance; unknown: readonly string[] }[];
  diagnostics: readonly ToolDiagnostic[];
};

export type PlanContext = {
  tool: Engine;
  /** Where the executable is found, and nothing of the daemon's own environment. */
  env: Readonly<Record<string, string>>;
  /** What separates the plan from the daemon: its expressions can read files. */
  boundary: JobIsolation;
  warden: Warden;
  logger: Logger;
};

type UiLine = {
  type?: string;
  diagnostic?: ToolDiagnostic;
  change?: { action?: string; resource?: { resource_type?: string } };
};

/** Plans a reduced configuration in its folder. Throws `canceled` when the request's signal aborts. */
export async function planReduced(
  context: PlanContext,
  folder: string,
  request: EvaluateRequest,
): Promise<Planned> {
  const reads: DataRead[] = [];
  let tooMany = false;
  const onRead = (read: DataRead) => {
    if (reads.length < MAX_READS) reads.push(read);
    else tooMany = true;
  };
  const values = { ...request, previousParameters: [], externalAuth: [] };
  await using provider = await hostProvider({
    env: providerEnvironment(values),
    logger: context.logger,
    onRead,
  });
  const { tool, boundary } = context;
  const socketFolder = dirname(socketOf(provider.reattach));
  await boundary.handOver(socketFolder);
  const command: Command = {
    launch: (args) => boundary.launch(tool.path, args, { cwd: folder, shared: [socketFolder] }),
    cwd: folder,
    env: {
      ...context.env,
      ...boundary.env,
      ...variableEnvironment(request),
      ...reattachEnvironment(provider.reattach, boundary.reattachPid(context.warden.pid)),
    },
    stop: { graceful: request.signal, forced: request.signal },
    warden: context.warden,
  };
  const diagnostics = new Map<string, ToolDiagnostic>();
  const planned = await runPlan(command, [], diagnostics);
  if (tooMany)
    throw new FleetError(
      "failed_precondition",
      `The template has more than ${MAX_READS} parameters, presets and tags.`,
    );
  if (!planned.defers) return { reads, deferred: [], diagnostics: [...diagnostics.values()] };

  // Only a stored plan has what is known of them.
  const file = join(folder, `.${randomUUID()}.tfplan`);
  reads.length = 0;
  try {
    await runPlan(command, [`-out=${file}`], diagnostics);
    const launch = command.launch(["show", "-json", "-no-color", file]);
    const shown = await capture({ ...command, launch }, "terraform show");
    const deferred = deferredOfPlan(new TextEncoder().encode(jsonDocument(shown)));
    return { reads, deferred, diagnostics: [...diagnostics.values()] };
  } finally {
    await rm(file, { force: true });
  }
}

type Command = Omit<Parameters<typeof runCommand>[0], "launch" | "onStdout" | "onStderr"> & {
  launch(args: readonly string[]): Launch;
};

async function runPlan(
  command: Command,
  more: readonly string[],
  diagnostics: Map<string, ToolDiagnostic>,
): Promise<{ defers: boolean }> {
  let defers = false;
  let failed = false;
  const words: string[] = [];
  const output = createLineSplitter((text, cut) => {
    const line = cut ? undefined : parseLine(text);
    const { diagnostic, change } = line ?? {};
    if (line?.type === "diagnostic" && diagnostic) {
      failed ||= diagnostic.severity === "error";
      if (diagnostics.size < MAX_DIAGNOSTICS) diagnostics.set(JSON.stringify(diagnostic), diagnostic);
    }
    if (change?.action === "read" && change.resource?.resource_type?.startsWith("coder_")) defers = true;
  });
  const errors = createLineSplitter((line) => void (words.length < MAX_WORDS && words.push(line)));
  const status = await runCommand({
    ...command,
    launch: command.launch([
      ...["plan", "-json", "-input=false", "-no-color", "-refresh=false", "-lock=false"],
      ...more,
    ]),
    onStdout: output.push,
    onStderr: errors.push,
  });
  output.end();
  errors.end();
  if (command.stop.forced.aborted) throw new FleetError("canceled", "The evaluation was canceled.");
  if (status !== 0 && !failed) {
    const detail = words.join(" ").trim() || `exited with status ${status}.`;
    throw new FleetError("failed_precondition", `terraform plan: ${detail}`);
  }
  return { defers: defers && !failed };
}

function parseLine(text: string): UiLine | undefined {
  try {
    return JSON.parse(text) as UiLine;
  } catch {
    return undefined;
  }
}

import { createWriteStream } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { finished } from "node:stream/promises";
import { type Clock, drained, errorMessage, type Logger, type Timer } from "@fleet/base";
import { makeFolder } from "@fleet/base/private-folder";
import type { Script } from "@fleet/proto-gen/agent";
import { CronExpressionParser } from "cron-parser";
import { type Outcome, worst } from "../lifecycle/status.js";
import { expandVariables } from "../shell/environment.js";
import { createScriptFile } from "../shell/script-file.js";
import type { WorkspaceUser } from "../shell/user.js";
import type { LogLine } from "../uplink/logs.js";
import type { Reports, ScriptStage, ScriptStatus } from "../uplink/reports.js";
import { createLineSplitter } from "./lines.js";
import { type RunResult, runScript } from "./run.js";

export type ScriptsOptions = {
  scripts: readonly Script[];
  user: WorkspaceUser;
  environment(): Record<string, string>;
  directory(): string;
  /** Folder for scripts' data; each script has a subfolder. */
  dataDir: string;
  /** Base folder of relative log paths. */
  logDir: string;
  reports: Reports;
  clock: Clock;
  logger: Logger;
};

export type Scripts = {
  /**
   * Runs all scripts of the stage and returns their combined outcome. Scripts run concurrently, except that one waits for
   * those that it comes after, and is skipped if one of them has not succeeded and has to.
   */
  run(stage: "start" | "stop"): Promise<Outcome>;
  /** Starts running cron scripts. */
  schedule(): void;
  /** Stops starting scripts, and stops running cron scripts. */
  stopSchedule(): void;
};

/** Receives output; the promise of `write` is pending while the disk is slow. */
type LogFile = { write(chunk: Buffer): Promise<unknown> | undefined; end(): Promise<void> };

/** Folder for commands that scripts install for everyone: part of PATH. */
export const scriptBinDir = (dataDir: string) => join(dataDir, "coder-script-data", "bin");

export function createScripts(options: ScriptsOptions): Scripts {
  const { scripts, user, dataDir, logDir, reports, clock, logger } = options;
  const stopping = new AbortController();
  const timers = new Set<Timer>();

  async function execute(script: Script, stage: ScriptStage): Promise<ScriptStatus> {
    const startedAt = clock.now();
    const ownDir = join(dataDir, "coder-script-data", script.logSourceId || script.id);
    const env: Record<string, string> = {
      ...options.environment(),
      CODER_SCRIPT_DATA_DIR: ownDir,
      CODER_SCRIPT_BIN_DIR: scriptBinDir(dataDir),
    };
    for (const folder of [ownDir, scriptBinDir(dataDir)]) {
      try {
        makeFolder(folder, 0o700);
      } catch (error) {
        tell(script, "warn", `Failed to create the script's data folder: ${errorMessage(error)}`);
      }
    }
    let result: RunResult;
    try {
      result = await executeLogged(script, stage, env);
    } catch (error) {
      result = { exitCode: 127, status: "exit_failure", error: errorMessage(error) };
    }
    const problem = problemOf(script, result);
    if (problem) tell(script, "error", problem);
    return conclude(script, stage, startedAt, result);
  }

  function conclude(
    script: Script,
    stage: ScriptStage,
    startedAt: Date,
    { exitCode, status }: Pick<RunResult, "exitCode" | "status">,
  ): ScriptStatus {
    const endedAt = clock.now();
    reports.scriptCompleted({ scriptId: script.id, startedAt, endedAt, exitCode, stage, status });
    logger.info("Script finished.", { script: script.displayName, stage, exitCode, status });
    return status;
  }

  /** Runs the scripts of a stage, each after those that it comes after. coderd sends no circle; one would not wait. */
  async function runInOrder(chosen: readonly Script[], stage: "start" | "stop"): Promise<ScriptStatus[]> {
    const byId = new Map(chosen.map((script) => [script.id, script]));
    const runs = new Map<string, Promise<ScriptStatus>>();
    const begin = (script: Script, waiting: ReadonlySet<string>): Promise<ScriptStatus> => {
      const known = runs.get(script.id);
      if (known !== undefined) return known;
      const path = new Set([...waiting, script.id]);
      const firsts = script.after.flatMap(({ scriptId, anyOutcome }) => {
        const first = byId.get(scriptId);
        return first && !path.has(scriptId) ? [{ first, anyOutcome, ended: begin(first, path) }] : [];
      });
      const run = (async () => {
        const ends = await Promise.all(
          firsts.map(async ({ first, anyOutcome, ended }) => ({ first, anyOutcome, status: await ended })),
        );
        const failed = ends.find(({ anyOutcome, status }) => !anyOutcome && OUTCOMES[status] !== SUCCEEDED);
        if (!failed) return execute(script, stage);
        const reason = OUTCOMES[failed.status];
        tell(script, "warn", `Skipped, because "${failed.first.displayName}" ${reason}.`);
        return conclude(script, stage, clock.now(), { exitCode: 0, status: "skipped" });
      })();
      runs.set(script.id, run);
      return run;
    };
    return Promise.all(chosen.map((script) => begin(script, new Set())));
  }

  function executeLogged(
    script: Script,
    stage: ScriptStage,
    env: Record<string, string>,
  ): Promise<RunResult> {
    const file = openLog(logPathOf(script, env));
    const source = createScriptFile(user.shell, script.script, dataDir);
    const stdout = createLineSplitter((line) => tell(script, "info", line));
    const stderr = createLineSplitter((line) => tell(script, "error", line));
    const write = (lines: { push(chunk: Buffer): void }) => (chunk: Buffer) => {
      lines.push(chunk);
      return file.write(chunk);
    };
    return runScript({
      ...source.command,
      cwd: options.directory(),
      env,
      timeoutMs: script.timeoutSeconds * 1000,
      clock,
      signal: stage === "cron" ? stopping.signal : undefined,
      onStdout: write(stdout),
      onStderr: write(stderr),
    }).then(async (result) => {
      source.remove();
      stdout.end();
      stderr.end();
      // The log is complete before the script's end is reported.
      if (result.status !== "pipes_left_open") await file.end();
      return result;
    });
  }

  function tell(script: Script, level: LogLine["level"], output: string): void {
    reports.log({ sourceId: script.logSourceId, createdAt: clock.now(), level, output });
  }

  function logPathOf(script: Script, env: Record<string, string>): string {
    const name = script.logPath || `coder-script-${script.logSourceId || script.id}.log`;
    const expanded = expandVariables(name.replace(/^~(?=\/)/, user.home), env);
    return isAbsolute(expanded) ? expanded : join(logDir, expanded);
  }

  /** The script's log file. The script runs without one if it cannot be written. */
  function openLog(path: string): LogFile {
    const warn = (error: unknown) =>
      logger.warn("Failed to write a script's log.", { path, reason: errorMessage(error) });
    try {
      makeFolder(dirname(path));
    } catch (error) {
      warn(error);
      return { write: () => undefined, end: async () => {} };
    }
    const stream = createWriteStream(path, { flags: "a", mode: 0o600 });
    stream.on("error", warn);
    return {
      write: (chunk) => (stream.writable && !stream.write(chunk) ? drained(stream) : undefined),
      end: () => finished(stream.end()).catch(() => {}),
    };
  }

  function scheduleNext(script: Script): void {
    let at: number;
    try {
      at = CronExpressionParser.parse(script.cron, { currentDate: clock.now() }).next().getTime();
    } catch (error) {
      tell(script, "error", `Invalid cron schedule "${script.cron}": ${errorMessage(error)}`);
      return;
    }
    // One run at a time: the next one is scheduled after this one has finished.
    const timer = clock.after(Math.max(0, at - clock.now().getTime()), () => {
      timers.delete(timer);
      if (stopping.signal.aborted) return;
      void execute(script, "cron").then(() => {
        if (!stopping.signal.aborted) scheduleNext(script);
      });
    });
    timers.add(timer);
  }

  return {
    async run(stage) {
      const chosen = scripts.filter((script) => (stage === "start" ? script.runOnStart : script.runOnStop));
      return worst((await runInOrder(chosen, stage)).map(outcomeOf));
    },
    schedule() {
      for (const script of scripts) if (script.cron !== "") scheduleNext(script);
    },
    stopSchedule() {
      stopping.abort();
      for (const timer of timers) timer.cancel();
    },
  };
}

const SUCCEEDED = "succeeded";
const OUTCOMES: Record<ScriptStatus, string> = {
  ok: SUCCEEDED,
  pipes_left_open: SUCCEEDED,
  exit_failure: "failed",
  timed_out: "timed out",
  skipped: "was skipped",
};

/** A skipped script makes its stage no worse than the failure that it was skipped for. */
function outcomeOf(status: ScriptStatus): Outcome {
  if (status === "timed_out") return "timeout";
  return status === "exit_failure" ? "error" : "ok";
}

/** The error, as the last line of the script's log; undefined on success. */
function problemOf(script: Script, { status, exitCode, error }: RunResult): string | undefined {
  const name = script.displayName ? `"${script.displayName}"` : "The script";
  if (error) return `${name} failed to start: ${error}`;
  if (status === "timed_out") return `${name} timed out after ${script.timeoutSeconds} seconds.`;
  return status === "exit_failure" ? `${name} failed with exit code ${exitCode}.` : undefined;
}

import type { Clock } from "@fleet/base";
import { runScript } from "../scripts/run.js";

/**
 * Runs git in a repository that nobody vouches for, and returns its output; undefined if it failed, took too long or was
 * aborted.
 */
export type Git = (folder: string, args: readonly string[]) => Promise<Buffer | undefined>;

/** Time and output of one command. */
const TIMEOUT_MS = 3_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

/**
 * What a repository's configuration could make git execute when it is only looked at: a monitor of its files, hooks,
 * and transports for objects that it lacks. Filters, which have names, are turned off by `filtersOf`.
 */
const HARMLESS = ["core.fsmonitor=false", "core.hooksPath=/dev/null", "protocol.allow=never"];

/** Creates a git that reads, asks nobody, writes nothing and executes nothing that a repository names. */
export function createGit(options: {
  /** The workspace's environment; its variables for git are ignored. */
  environment(): Record<string, string>;
  clock: Clock;
  signal: AbortSignal;
}): Git {
  const { clock, signal } = options;
  return async (folder, args) => {
    if (signal.aborted) return undefined;
    const chunks: Buffer[] = [];
    let bytes = 0;
    const { status } = await runScript({
      file: "git",
      args: ["--no-pager", ...HARMLESS.flatMap((setting) => ["-c", setting]), ...args],
      cwd: folder,
      env: { ...withoutGit(options.environment()), ...QUIET },
      timeoutMs: TIMEOUT_MS,
      clock,
      signal,
      onStdout(chunk) {
        if (bytes < MAX_OUTPUT_BYTES) chunks.push(chunk.subarray(0, MAX_OUTPUT_BYTES - bytes));
        bytes += chunk.length;
        return undefined;
      },
      onStderr: () => undefined,
      pipeGraceMs: 1_000,
    });
    return status === "ok" ? Buffer.concat(chunks) : undefined;
  };
}

const QUIET = {
  GIT_OPTIONAL_LOCKS: "0",
  GIT_TERMINAL_PROMPT: "0",
  GIT_ASKPASS: "false",
  GIT_NO_LAZY_FETCH: "1",
  LC_ALL: "C",
};

/** A user's GIT_DIR would make every folder that repository. */
function withoutGit(env: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("GIT_")));
}

/** Scopes of settings that belong to a repository; the others are its user's own. */
const OF_REPOSITORY = /^(local|worktree)$/;

/**
 * Options that turn off the filters that a repository's own configuration defines: git would run them to compare files.
 * Filters of the user's configuration, such as Git LFS, stay. Undefined if git cannot tell them apart.
 */
export async function filtersOff(git: Git, folder: string): Promise<string[] | undefined> {
  // Ends with 1 if there is none, so a setting that is always given (above) is asked for, too.
  const output = await git(folder, [
    "config",
    "-z",
    "--show-scope",
    "--get-regexp",
    "^(filter\\..*|core\\.fsmonitor)$",
  ]);
  if (!output) return undefined;
  const fields = output.toString("utf8").split("\0");
  const names = new Set<string>();
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [name = ""] = fields[at + 1]!.split("\n");
    const driver = /^filter\.(.*)\.[^.]*$/s.exec(name)?.[1];
    if (OF_REPOSITORY.test(fields[at]!) && driver !== undefined) names.add(driver);
  }
  // Such a name cannot be given on the command line.
  if ([...names].some((name) => name.includes("="))) return undefined;
  return [...names].flatMap((name) =>
    ["clean=", "smudge=", "process=", "required=false"].flatMap((end) => ["-c", `filter.${name}.${end}`]),
  );
}

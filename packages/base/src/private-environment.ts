import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readlinkSync,
  readSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FleetError } from "./errors.js";
import { commandOf, ownProgram } from "./own-program.js";

/** The fleet's own settings and keys, those of stores that may share its machine, and what controls its runtime. */
const PRIVATE = /^(CODER_|OTEL_|NODE_|REDIS|PG|POSTGRES)/;

/** True for a variable that must not reach terraform, a template's commands, or a store. */
export function isPrivate(name: string): boolean {
  return PRIVATE.test(name);
}

/** The part of the process's environment that child processes may see. */
export function publicEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isPrivate(name)));
}

/** Tells the process after `execve` that its settings are on standard input, and what standard input was before. */
const HANDED_OVER = "CODER_SETTINGS_ON_STDIN";

let clean = false;

/**
 * Removes the private settings from `/proc/<pid>/environ`, where other programs of the same user, even a template's
 * commands, could read them: that file shows the environment at startup, whatever the process changes later. So the
 * process restarts itself by execve, thus with the same pid, without them, and receives them in an unnamed file
 * on its standard input. They are then in `process.env`, in its own memory. Standard input is restored if it
 * has a name, as a terminal has; a pipe, which no program of the fleet reads from here on, is replaced by empty input.
 *
 * Returns in a process whose environment is clean, which may be this one.
 *
 * @param args the command line to restart with, if it holds values that must not be visible either.
 */
export function hidePrivateEnvironment(args: readonly string[] = ownArguments()): void {
  takePrivateEnvironment();
  if (clean) return;
  const { env } = process;
  const isHidden = (name: string) => isPrivate(name) && !name.startsWith("NODE_");
  const pick = (wanted: (name: string) => boolean) =>
    Object.fromEntries(Object.entries(env).filter(([name]) => wanted(name)));
  const hidden = pick(isHidden);
  if (Object.keys(hidden).length === 0) return;
  const input = nameOfStdin();
  replaceStdin(Buffer.from(JSON.stringify(hidden)));
  const [command, ...script] = commandOf(ownProgram());
  process.execve!(command!, [command!, ...process.execArgv, ...script, ...args], {
    ...pick((name) => !isHidden(name)),
    [HANDED_OVER]: input,
  });
}

/** Reads what the process handed itself. Call it before anything uses standard input. */
export function takePrivateEnvironment(): void {
  const { env } = process;
  const input = env[HANDED_OVER];
  if (input === undefined) return;
  delete env[HANDED_OVER];
  Object.assign(env, JSON.parse(readStdin(input).toString()));
  clean = true;
}

/** The command line without the program's own name. */
export function ownArguments(): string[] {
  return process.argv.slice(2);
}

/** Puts an unlinked file at descriptor 0, which execve keeps open; in memory if the machine can. */
function replaceStdin(content: Uint8Array): void {
  for (const folder of ["/dev/shm", tmpdir()]) {
    const path = join(folder, `coder-${crypto.randomUUID()}`);
    try {
      const file = openSync(path, "wx+", 0o600);
      unlinkSync(path);
      writeSync(file, content);
      // The lowest free descriptor is the next one assigned.
      closeSync(0);
      openSync(`/dev/fd/${file}`, "r");
      return;
    } catch {
      // Try the next folder.
    }
  }
  throw new FleetError(
    "failed_precondition",
    `Neither /dev/shm nor ${tmpdir()} is writable. One of them is needed to store keys privately.`,
  );
}

function nameOfStdin(): string {
  try {
    const name = readlinkSync("/proc/self/fd/0");
    return name.startsWith("/") ? name : "/dev/null";
  } catch {
    return "/dev/null";
  }
}

/** Reads the handed-over settings, and reopens the former standard input. */
function readStdin(input: string): Buffer {
  const content = Buffer.alloc(fstatSync(0).size);
  readSync(0, content, 0, content.length, 0);
  closeSync(0);
  try {
    openSync(input, constants.O_RDONLY | constants.O_NOCTTY);
  } catch {
    openSync("/dev/null", "r");
  }
  return content;
}

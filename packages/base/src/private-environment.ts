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

/** The fleet's own settings and keys, those of stores that it may share a machine with, and what steers its runtime. */
const PRIVATE = /^(CODER_|OTEL_|NODE_|REDIS|PG|POSTGRES)/;

/** True for a variable that neither terraform, nor a template's commands, nor a store may get. */
export function isPrivate(name: string): boolean {
  return PRIVATE.test(name);
}

/** What of the process's environment others may see. */
export function publicEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isPrivate(name)));
}

/** Says to the process after `execve` that its settings lie on its standard input, and what that was before. */
const HANDED_OVER = "CODER_SETTINGS_ON_STDIN";

let clean = false;

/**
 * Takes the private settings out of `/proc/<pid>/environ`, where other programs of the same user, a template's commands
 * among them, could read them: that file shows a process as it was started, whatever it does to its variables. So the
 * process starts itself again, by execve and thus under the same id, without them, and is handed them in an unnamed file
 * on its standard input. It then has them in `process.env`, which is memory of its own. Its standard input is what it was
 * where that has a name, as a terminal has; a pipe, which no program of the fleet reads from here on, is empty.
 *
 * Returns in a process whose environment is clean, which may be this one.
 *
 * @param args the command line to start again with, where it holds what is not to be seen either.
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

/** Takes what the process handed itself. To be called before anything looks at standard input. */
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

/** Puts a file that has no name any more at descriptor 0, which execve keeps open; in memory where the machine has such a place. */
function replaceStdin(content: Uint8Array): void {
  for (const folder of ["/dev/shm", tmpdir()]) {
    const path = join(folder, `coder-${crypto.randomUUID()}`);
    try {
      const file = openSync(path, "wx+", 0o600);
      unlinkSync(path);
      writeSync(file, content);
      // The lowest descriptor that is free is the next one to be given out.
      closeSync(0);
      openSync(`/dev/fd/${file}`, "r");
      return;
    } catch {
      // The next may do.
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

/** Reads what was handed over, and opens what standard input was before. */
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

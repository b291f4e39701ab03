import { closeSync, fstatSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FleetError } from "@fleet/base";

/** The daemon's own settings and keys, those of stores that it may share a machine with, and what steers its runtime. */
const PRIVATE = /^(CODER_|OTEL_|NODE_|REDIS|PG|POSTGRES)/;

/** True for a variable that neither terraform nor a template's commands may get. */
export function isPrivate(name: string): boolean {
  return PRIVATE.test(name);
}

/** Says to the process after `execve` that its settings lie on its standard input. */
const HANDED_OVER = "CODER_PROVISIONERD_SETTINGS_ON_STDIN";

/**
 * Takes the private settings out of `/proc/<pid>/environ`, where a template's commands, which run as the same user, could
 * read them: that file shows a process as it was started, whatever it does to its variables. So the process starts itself
 * again, by execve and thus under the same id, without them, and is handed them in an unnamed file on its standard input.
 * It then has them in `process.env`, which is memory of its own.
 *
 * Returns in a process whose environment is clean, which may be this one.
 */
export function hidePrivateEnvironment(): void {
  const { env } = process;
  if (env[HANDED_OVER] !== undefined) {
    delete env[HANDED_OVER];
    Object.assign(env, JSON.parse(readStdin().toString()));
    return;
  }
  const isHidden = (name: string) => isPrivate(name) && !name.startsWith("NODE_");
  const pick = (wanted: (name: string) => boolean) =>
    Object.fromEntries(Object.entries(env).filter(([name]) => wanted(name)));
  const hidden = pick(isHidden);
  if (Object.keys(hidden).length === 0) return;
  replaceStdin(Buffer.from(JSON.stringify(hidden)));
  process.execve!(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    ...pick((name) => !isHidden(name)),
    [HANDED_OVER]: "1",
  });
}

/** Puts a file that has no name any more at descriptor 0, which execve keeps open; in memory where the machine has such a place. */
function replaceStdin(content: Uint8Array): void {
  for (const folder of ["/dev/shm", tmpdir()]) {
    const path = join(folder, `provisionerd-${crypto.randomUUID()}`);
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
    `Neither /dev/shm nor ${tmpdir()} can be written to. The daemon needs one of them to keep its keys from templates.`,
  );
}

function readStdin(): Buffer {
  const content = Buffer.alloc(fstatSync(0).size);
  readSync(0, content, 0, content.length, 0);
  closeSync(0);
  openSync("/dev/null", "r");
  return content;
}

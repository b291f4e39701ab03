import { closeSync, openSync, renameSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Clock, LogFields, Logger } from "@fleet/base";
import { makeFolder } from "@fleet/base/private-folder";

/** Size at which the file is rotated to `coder-agent.log.1`, in bytes. */
const MAX_FILE_BYTES = 5 * 1024 * 1024;

export type LogOptions = {
  /** Folder of coder-agent.log. */
  folder: string;
  clock: Clock;
  /** Also receives each line, for example stderr. */
  echo(line: string): void;
};

/**
 * Writes human-readable lines to `coder-agent.log`, at most two files of 5 MB. If the file cannot be written, only the
 * echo gets the lines.
 */
export function createLog({ folder, clock, echo }: LogOptions): Logger {
  const path = join(folder, "coder-agent.log");
  let file: number | undefined;
  let bytes = 0;

  function open(): void {
    try {
      makeFolder(folder);
      file = openSync(path, "a", 0o600);
      bytes = statSync(path).size;
    } catch {
      file = undefined;
    }
  }

  function write(line: string): void {
    echo(line);
    if (file === undefined) return;
    try {
      bytes += writeSync(file, line);
      if (bytes < MAX_FILE_BYTES) return;
      closeSync(file);
      renameSync(path, `${path}.1`);
      open();
    } catch {
      file = undefined;
    }
  }

  function logger(bound: LogFields): Logger {
    const at = (level: string) => (message: string, fields?: LogFields) => {
      const all = Object.entries({ ...bound, ...fields });
      const tail = all.map(([key, value]) => ` ${key}=${JSON.stringify(value)}`).join("");
      write(`${clock.now().toISOString()} [${level}] ${message}${tail}\n`);
    };
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      child: (fields) => logger({ ...bound, ...fields }),
    };
  }

  open();
  return logger({});
}

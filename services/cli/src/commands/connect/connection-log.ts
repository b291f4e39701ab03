import { appendFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@fleet/base";

/**
 * A log of one connection: a file whose name ends with the pid of the SSH client that runs us, by which editors find it.
 * Written at once, since such a process is ended by a signal more often than not.
 */
export async function createConnectionLog(folder: string, clock: Clock): Promise<(text: string) => void> {
  await mkdir(folder, { recursive: true });
  const stamp = clock.now().toISOString().replace(/[:.]/g, "-");
  const file = join(folder, `coder-ssh-${stamp}-${process.ppid}.log`);
  return (text) => appendFileSync(file, `${clock.now().toISOString()} ${text}\n`, { mode: 0o600 });
}

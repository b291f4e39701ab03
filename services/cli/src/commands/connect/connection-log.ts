import { appendFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@fleet/base";

/**
 * A log of one connection: a file whose name ends with the PID of the SSH client that runs this program, which is how
 * editors find it. Written synchronously, because such a process is usually ended by a signal.
 */
export async function createConnectionLog(folder: string, clock: Clock): Promise<(text: string) => void> {
  await mkdir(folder, { recursive: true });
  const stamp = clock.now().toISOString().replace(/[:.]/g, "-");
  const file = join(folder, `coder-ssh-${stamp}-${process.ppid}.log`);
  return (text) => appendFileSync(file, `${clock.now().toISOString()} ${text}\n`, { mode: 0o600 });
}

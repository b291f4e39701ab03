import { hostname } from "node:os";

/** Names this process in a folder that daemons share. */
export function processName(): string {
  return `${hostname()}.${process.pid}`;
}

export function isOfThisHost(name: string): boolean {
  return name.startsWith(`${hostname()}.`);
}

/**
 * True if the process that had the name is dead. Its pid may have become this process's own, as in a container that was
 * restarted. False for processes of other hosts.
 */
export function isDeadProcess(name: string): boolean {
  const [, host, pid] = /^(.+)\.(\d+)$/.exec(name) ?? [];
  if (host !== hostname()) return false;
  if (Number(pid) === process.pid) return true;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

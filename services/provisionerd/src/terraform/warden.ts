import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Writable } from "node:stream";

/**
 * Kills process groups whose owner died. A shell in its own session gets the ID of each group; when its input ends,
 * because the daemon exited for any reason, it kills the groups that are still on its list. If the shell itself is
 * killed, it is replaced.
 */
export type Warden = {
  /**
   * A process that the daemon can lose. It stands for the hosted provider's process: terraform kills it if it cannot
   * reach the provider's socket, and a template can remove the socket.
   */
  readonly pid: number;
  add(group: number): void;
  remove(group: number): void;
  close(): void;
};

const SCRIPT = `
trap '' HUP INT TERM
groups=' '
while read -r change group; do
  case $change in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
`;

export function startWarden(): Warden {
  const groups = new Set<number>();
  let closed = false;
  let shell = start();

  function start(): ChildProcessByStdio<Writable, null, null> {
    const child = spawn("sh", ["-c", SCRIPT], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
      env: {},
    });
    // Neither the shell nor its pipe should keep this process alive.
    child.unref();
    (child.stdin as unknown as { unref(): void }).unref();
    child.on("error", () => {});
    child.stdin.on("error", () => {});
    child.once("exit", () => {
      if (!closed) shell = start();
    });
    for (const group of groups) child.stdin.write(`+ ${group}\n`);
    return child;
  }

  return {
    get pid() {
      return shell.pid ?? process.pid;
    },
    add(group) {
      groups.add(group);
      shell.stdin.write(`+ ${group}\n`);
    },
    remove(group) {
      if (groups.delete(group)) shell.stdin.write(`- ${group}\n`);
    },
    close() {
      closed = true;
      shell.stdin.end();
    },
  };
}

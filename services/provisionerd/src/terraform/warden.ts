import { spawn } from "node:child_process";

/**
 * Kills process groups whose owner died. A shell in a session of its own is told of each group; when its input ends,
 * which the daemon's death by any means brings about, it kills the groups that are still on its list.
 */
export type Warden = {
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
  const shell = spawn("sh", ["-c", SCRIPT], { stdio: ["pipe", "ignore", "ignore"], detached: true, env: {} });
  shell.unref();
  // Its input is a pipe that would keep the process alive; it has nothing to wait for.
  (shell.stdin as unknown as { unref(): void }).unref();
  shell.on("error", () => {});
  shell.stdin.on("error", () => {});
  return {
    add: (group) => void shell.stdin.write(`+ ${group}\n`),
    remove: (group) => void shell.stdin.write(`- ${group}\n`),
    close: () => shell.stdin.end(),
  };
}

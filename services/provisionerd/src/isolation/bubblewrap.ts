import { statSync } from "node:fs";

export type Mounts = {
  /** Folders and files that appear empty. */
  hidden: readonly string[];
  /** Read-only, even inside hidden ones. */
  readable: readonly string[];
  writable: readonly string[];
  /** Appears as /tmp. */
  temporary?: string;
};

/**
 * The options of bwrap(1). The system is read-only, and the command's processes are the only ones that it sees; they end
 * with it. The user namespace keeps it from the memory, environment and root folder of every process outside: the kernel
 * asks for a capability that it does not have, whoever its user is.
 */
export function bubblewrapArgs({ hidden, readable, writable, temporary }: Mounts, cwd: string): string[] {
  const bind = (kind: string, paths: readonly string[]) => paths.flatMap((path) => [kind, path, path]);
  const covered = hidden.flatMap((path) => {
    const info = statSync(path, { throwIfNoEntry: false });
    if (!info) return [];
    return info.isDirectory() ? ["--tmpfs", path] : ["--ro-bind", "/dev/null", path];
  });
  return [
    // Without capabilities, nothing can be unmounted to see what is below.
    ...["--unshare-user", "--cap-drop", "ALL"],
    ...["--unshare-pid", "--unshare-ipc", "--unshare-cgroup-try", "--die-with-parent"],
    ...["--as-pid-1", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"],
    ...(temporary ? ["--bind", temporary, "/tmp"] : ["--tmpfs", "/tmp"]),
    ...["--tmpfs", "/var/tmp"],
    ...covered,
    ...bind("--ro-bind", readable),
    ...bind("--bind", writable),
    ...["--info-fd", "3", "--chdir", cwd, "--"],
  ];
}

import { userInfo } from "node:os";

/** Who the workspace belongs to, on this machine: everything runs as the agent's own user. */
export type WorkspaceUser = { name: string; home: string; shell: string };

/** The user of this process. Throws nothing: containers run as users that no passwd file knows. */
export function currentUser(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): WorkspaceUser {
  let known: { username: string; homedir: string; shell: string | null } | undefined;
  try {
    known = userInfo();
  } catch {
    // No passwd entry: the environment is all there is.
  }
  if (platform === "win32") {
    const name = known?.username ?? env.USERNAME ?? "coder";
    return { name, home: env.USERPROFILE ?? known?.homedir ?? "C:\\", shell: "powershell.exe" };
  }
  const shell = known?.shell && !/\/(nologin|false)$/.test(known.shell) ? known.shell : "/bin/sh";
  return {
    name: known?.username ?? env.USER ?? "coder",
    home: env.HOME ?? known?.homedir ?? "/",
    shell: known?.shell ? shell : (env.SHELL ?? "/bin/sh"),
  };
}

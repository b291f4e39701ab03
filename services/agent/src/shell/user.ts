import { accessSync, constants, statSync } from "node:fs";
import { userInfo } from "node:os";

/** The workspace's user on this machine: everything runs as the agent's own user. */
export type WorkspaceUser = { name: string; home: string; shell: string };

/** The user of this process. Never throws: containers may run as users without a passwd entry. */
export function currentUser(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): WorkspaceUser {
  let known: { username: string; homedir: string; shell: string | null } | undefined;
  try {
    known = userInfo();
  } catch {
    // No passwd entry: use the environment.
  }
  if (platform === "win32") {
    const name = known?.username ?? env.USERNAME ?? "coder";
    return { name, home: env.USERPROFILE ?? known?.homedir ?? "C:\\", shell: "powershell.exe" };
  }
  const home = env.HOME || known?.homedir || "/";
  return { name: known?.username ?? env.USER ?? "coder", home, shell: shellOf(known?.shell, env) };
}

/** The shell of the passwd entry if set and installed; otherwise the environment's, then sh. */
function shellOf(known: string | null | undefined, env: NodeJS.ProcessEnv): string {
  const candidates = [known, env.SHELL, "/bin/bash"];
  return (
    candidates.find((shell) => shell && !/\/(nologin|false)$/.test(shell) && isProgram(shell)) ?? "/bin/sh"
  );
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

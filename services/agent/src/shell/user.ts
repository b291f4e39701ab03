import { accessSync, constants, statSync } from "node:fs";
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
  const home = env.HOME || known?.homedir || "/";
  return { name: known?.username ?? env.USER ?? "coder", home, shell: shellOf(known?.shell, env) };
}

/** The user's shell of the passwd file, unless it is none or is not installed; then the environment's, then sh. */
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

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** The operating system's store of passwords, by deployment. Calls reject if it is missing, locked or refuses. */
export type Keyring = {
  /** Undefined if it has no token of the deployment. */
  read(url: string): Promise<string | undefined>;
  write(url: string, token: string): Promise<void>;
  remove(url: string): Promise<void>;
};

/** The name of the entries, under which people find them in the system's own program. */
const SERVICE = "coder-v2-credentials";
/** How long the store may take, which may ask for a password. */
const TIMEOUT_MS = 60_000;

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The keyring through the program that the system has for it. Tokens never stand in a command line, which other users
 * can read. Undefined for systems without a keyring.
 */
export function systemKeyring(platform: NodeJS.Platform, env: Env): Keyring | undefined {
  switch (platform) {
    case "linux":
      return secretService(env);
    case "darwin":
      return keychain(env);
    case "win32":
      return passwordVault(env);
    default:
      return undefined;
  }
}

/** GNOME Keyring, KWallet and others, by libsecret's program. */
function secretService(env: Env): Keyring {
  const tool = (args: readonly string[], input = "") => run(env, "secret-tool", args, input);
  return {
    // It exits with 1 both without an entry and without a service, of which only the latter says something.
    read: async (url) => (await tool(["lookup", "service", SERVICE, "url", url], "")).trim() || undefined,
    write: async (url, token) =>
      void (await tool(["store", `--label=Coder (${url})`, "service", SERVICE, "url", url], token)),
    remove: async (url) => void (await tool(["clear", "service", SERVICE, "url", url])),
  };
}

/** macOS's keychain. Commands that contain the token are read from standard input. */
function keychain(env: Env): Keyring {
  const security = (args: readonly string[], input = "") => run(env, "security", args, input);
  const quoted = (word: string) => `"${word.replaceAll(/["\\]/g, "\\$&")}"`;
  return {
    read: async (url) =>
      (await security(["find-generic-password", "-s", SERVICE, "-a", url, "-w"])).trim() || undefined,
    write: async (url, token) => {
      const words = ["-U", "-s", SERVICE, "-a", quoted(url), "-w", quoted(token)].join(" ");
      await security(["-i"], `add-generic-password ${words}\n`);
    },
    remove: async (url) => void (await security(["delete-generic-password", "-s", SERVICE, "-a", url])),
  };
}

/** Windows's credential locker. The deployment and the token are read from standard input. */
function passwordVault(env: Env): Keyring {
  const script = (action: string) => `
    $vault = [Windows.Security.Credentials.PasswordVault, Windows.Security.Credentials, ContentType = WindowsRuntime]::new()
    $url, $token = [Console]::In.ReadToEnd() -split "\`n"
    ${action}`;
  const powershell = (action: string, input: string) =>
    run(env, "powershell.exe", ["-NoProfile", "-NonInteractive", "-Command", script(action)], input);
  const found = `$vault.Retrieve('${SERVICE}', $url)`;
  return {
    read: async (url) =>
      (await powershell(`$found = ${found}; $found.RetrievePassword(); $found.Password`, url)).trim() ||
      undefined,
    write: async (url, token) =>
      void (await powershell(
        `$vault.Add([Windows.Security.Credentials.PasswordCredential]::new('${SERVICE}', $url, $token))`,
        `${url}\n${token}`,
      )),
    remove: async (url) => void (await powershell(`$vault.Remove(${found})`, url)),
  };
}

async function run(env: Env, command: string, args: readonly string[], input: string): Promise<string> {
  const child: ChildProcess = spawn(command, args, {
    env: env as NodeJS.ProcessEnv,
    stdio: ["pipe", "pipe", "pipe"],
    // Not `timeout`, whose timer outlives a program that could not be started.
    signal: AbortSignal.timeout(TIMEOUT_MS),
    windowsHide: true,
  });
  // A program that reads nothing may exit first.
  child.stdin!.on("error", () => {});
  child.stdin!.end(input);
  const [output, complaint, [status]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, "close") as Promise<[number | null]>,
  ]);
  if (status === 0) return output;
  if (status === 1 && complaint.trim() === "") return "";
  throw new Error(complaint.trim().split("\n", 1)[0] || `${command} ended with status ${status}`);
}

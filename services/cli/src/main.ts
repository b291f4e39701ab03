import { hidePrivateEnvironment, takePrivateEnvironment } from "@fleet/base/private-environment";
import { runCli } from "./cli.js";

function become(command: readonly string[], env: Readonly<Record<string, string | undefined>>): void {
  const given = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  process.execve!(command[0]!, command, Object.fromEntries(given));
}

takePrivateEnvironment();
void runCli(process.argv.slice(2), {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  ...(process.execve && process.platform !== "win32" ? { become } : {}),
  hideEnvironment: hidePrivateEnvironment,
}).then((code) => {
  process.exitCode = code;
});

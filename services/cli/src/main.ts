import { hidePrivateEnvironment, takePrivateEnvironment } from "@fleet/base/private-environment";
import { runCli } from "./cli.js";

takePrivateEnvironment();
void runCli(process.argv.slice(2), {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  hideEnvironment: hidePrivateEnvironment,
}).then((code) => {
  process.exitCode = code;
});

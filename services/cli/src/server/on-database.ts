import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { FleetError } from "@fleet/base";
import { folderOf, ownProgram } from "@fleet/base/own-program";

/**
 * Runs a command of coderd's program, which is the only one that opens the database. Resolves with its exit status.
 * @throws failed_precondition in an executable that has no server.
 */
export async function runOnDatabase(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const program = ownProgram();
  if (program.script === undefined) {
    throw new FleetError(
      "failed_precondition",
      "This executable contains the command line and the agent only. Run the command from the server's release directory (coder.js) or its image.",
    );
  }
  const coderd = join(folderOf(program), "coderd.js");
  const child = spawn(process.execPath, ["--disable-warning=DeprecationWarning", coderd, ...args], {
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

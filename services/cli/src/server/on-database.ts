import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { FleetError, nullLogger } from "@fleet/base";
import { folderOf, ownProgram } from "@fleet/base/own-program";
import { postgresUrl } from "@fleet/embedded";
import type { Context } from "../context.js";
import { ExitStatus } from "../exit-status.js";
import { postgresFolder } from "./stores.js";

/**
 * Runs a command of coderd's program, which is the only one that opens the database; it prints what it has done. The
 * built-in PostgreSQL, used without a URL, must be running.
 * @throws failed_precondition in an executable that has no server; ExitStatus if the command fails.
 */
export async function runOnDatabase(
  context: Context,
  args: readonly string[],
  databaseUrl: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const program = ownProgram();
  if (program.script === undefined) {
    throw new FleetError(
      "failed_precondition",
      "This executable contains the command line and the agent only. Run the command from the server's release directory (coder.js) or its image.",
    );
  }
  const url = databaseUrl ?? (await postgresUrl(await postgresFolder(context.config.path, nullLogger)));
  const coderd = join(folderOf(program), "coderd.js");
  const child = spawn(process.execPath, ["--disable-warning=DeprecationWarning", coderd, ...args], {
    env: { ...context.io.env, ...env, CODER_PG_CONNECTION_URL: url },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new ExitStatus(code ?? 1);
}

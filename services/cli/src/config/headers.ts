import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { FleetError } from "@fleet/base";

const run = promisify(execFile);
const COMMAND_TIMEOUT_MS = 30_000;

/** Parses headers from `key=value` strings. */
export function parseHeaders(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const cut = line.indexOf("=");
    if (cut < 1)
      throw new FleetError("invalid_argument", `The header "${line}" is not of the form key=value.`);
    headers[line.slice(0, cut).trim()] = line.slice(cut + 1).trim();
  }
  return headers;
}

/**
 * Headers printed by the user's command, one `key=value` per line. It is a shell command by design (from the user's
 * configuration), with the deployment's URL in CODER_URL.
 */
export async function headersOfCommand(command: string, url: string): Promise<Record<string, string>> {
  const [shell, flag] = process.platform === "win32" ? ["cmd.exe", "/c"] : ["sh", "-c"];
  try {
    const env = { ...process.env, CODER_URL: url };
    const { stdout } = await run(shell, [flag, command], { env, timeout: COMMAND_TIMEOUT_MS });
    return parseHeaders(stdout.split(/\r?\n/).filter((line) => line.trim() !== ""));
  } catch (cause) {
    if (cause instanceof FleetError) throw cause;
    throw new FleetError("failed_precondition", `The header command failed: ${command}`, {
      detail: (cause as { stderr?: string }).stderr?.trim(),
      cause,
    });
  }
}

import { fstatSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import type { FleetError } from "@fleet/base";
import type { Context } from "../context.js";

/** How long to wait for the first bytes if the user did not say that standard input has content, in milliseconds. */
const PATIENCE_MS = 10_000;

/**
 * True if standard input may have content: a pipe, a file or a socket, but not a terminal or /dev/null, as in services.
 */
export function isPiped({ io }: Context): boolean {
  const { isTTY, fd } = io.stdin as typeof io.stdin & { fd?: number };
  if (isTTY) return false;
  if (fd === undefined) return true;
  try {
    return !fstatSync(fd).isCharacterDevice();
  } catch {
    return false;
  }
}

/**
 * Reads all of standard input. A pipe that stays open and silent must not block a command forever: `ifSilent`, if
 * given, is thrown after a timeout without a first byte.
 */
export async function readPiped(context: Context, ifSilent?: FleetError): Promise<Buffer> {
  const { stdin } = context.io;
  const silence = ifSilent && context.clock.after(PATIENCE_MS, () => stdin.destroy(ifSilent));
  stdin.once("readable", () => silence?.cancel());
  try {
    return await buffer(stdin);
  } finally {
    silence?.cancel();
  }
}

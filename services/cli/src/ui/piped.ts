import { fstatSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import type { FleetError } from "@fleet/base";
import type { Context } from "../context.js";

/** How long the first bytes may take on a standard input of which nobody has said that it holds something. In milliseconds. */
const PATIENCE_MS = 10_000;

/** True where standard input may hold something: a pipe, a file or a socket. Not a terminal, nor /dev/null, which services have. */
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
 * All of standard input. A pipe that stays open and silent must not hold a command for ever: where `ifSilent` is given, it
 * is thrown after a while without a first byte.
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

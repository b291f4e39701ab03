import { fstatSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { FleetError } from "@fleet/base";
import type { Context } from "../../context.js";
import type { TerminalInput } from "../../io.js";

/** How long the first bytes of an archive may take where nobody has said that one is coming. In milliseconds. */
const PATIENCE_MS = 10_000;
/** The most that a compressed archive may hold: above what a deployment takes. */
const UNPACKED_LIMIT = 256 * 1024 * 1024;

const GZIP = Buffer.from([0x1f, 0x8b]);
const ZIP = Buffer.from("PK\x03\x04");

export type PipedArchive = {
  archive: Uint8Array<ArrayBuffer>;
  contentType: "application/x-tar" | "application/zip";
};

/**
 * The archive on standard input: where `-` asks for it, or where no directory is named and something is piped in. None
 * where standard input is a terminal, or empty. A pipe that stays open and silent is no reason to push something else,
 * nor to wait for ever: it is an error.
 */
export async function readPipedArchive(
  context: Context,
  directory: string | undefined,
): Promise<PipedArchive | undefined> {
  const { stdin } = context.io;
  const isAsked = directory === "-";
  if (!isAsked && (directory !== undefined || stdin.isTTY || !mayHoldArchive(stdin))) return undefined;
  const bytes = await readAll(context, isAsked);
  if (bytes.length > 0) return decoded(bytes);
  if (!isAsked) return undefined;
  throw new FleetError("invalid_argument", "Standard input is empty. Pipe a tar archive to it.");
}

/** A pipe, a file or a socket: not /dev/null, which services and cron have. */
function mayHoldArchive(stdin: TerminalInput & { fd?: number }): boolean {
  if (stdin.fd === undefined) return true;
  try {
    return !fstatSync(stdin.fd).isCharacterDevice();
  } catch {
    return false;
  }
}

async function readAll(context: Context, isAsked: boolean): Promise<Buffer> {
  const { stdin } = context.io;
  const silence = isAsked
    ? undefined
    : context.clock.after(PATIENCE_MS, () =>
        stdin.destroy(
          new FleetError(
            "invalid_argument",
            "Nothing was read from standard input. To push the current directory, pass --directory .",
          ),
        ),
      );
  stdin.once("readable", () => silence?.cancel());
  try {
    return await buffer(stdin);
  } finally {
    silence?.cancel();
  }
}

async function decoded(bytes: Buffer): Promise<PipedArchive> {
  if (bytes.subarray(0, ZIP.length).equals(ZIP)) {
    return { archive: new Uint8Array(bytes), contentType: "application/zip" };
  }
  if (!bytes.subarray(0, GZIP.length).equals(GZIP)) {
    return { archive: new Uint8Array(bytes), contentType: "application/x-tar" };
  }
  try {
    const tar = await promisify(gunzip)(bytes, { maxOutputLength: UNPACKED_LIMIT });
    return { archive: new Uint8Array(tar), contentType: "application/x-tar" };
  } catch (cause) {
    throw new FleetError(
      "invalid_argument",
      "The compressed archive on standard input is damaged or too large.",
      {
        cause,
      },
    );
  }
}

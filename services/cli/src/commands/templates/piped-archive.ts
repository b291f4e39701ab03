import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { FleetError } from "@fleet/base";
import type { Context } from "../../context.js";
import { isPiped, readPiped } from "../../ui/piped.js";

/** Maximum uncompressed size of an archive; above the deployment's own limit. */
const UNPACKED_LIMIT = 256 * 1024 * 1024;

const GZIP = Buffer.from([0x1f, 0x8b]);
const ZIP = Buffer.from("PK\x03\x04");

export type PipedArchive = {
  archive: Uint8Array<ArrayBuffer>;
  contentType: "application/x-tar" | "application/zip";
};

/**
 * Reads the archive from standard input: if `-` was given, or if no directory was given and input is piped. Undefined
 * if standard input is a terminal or empty. A silent pipe is an error, rather than a reason to push something else.
 */
export async function readPipedArchive(
  context: Context,
  directory: string | undefined,
): Promise<PipedArchive | undefined> {
  const isAsked = directory === "-";
  if (!isAsked && (directory !== undefined || !isPiped(context))) return undefined;
  const bytes = await readPiped(
    context,
    isAsked
      ? undefined
      : new FleetError(
          "invalid_argument",
          "Nothing was read from standard input. To push the current directory, pass --directory .",
        ),
  );
  if (bytes.length > 0) return decoded(bytes);
  if (!isAsked) return undefined;
  throw new FleetError("invalid_argument", "Standard input is empty. Pipe a tar archive to it.");
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
      { cause },
    );
  }
}

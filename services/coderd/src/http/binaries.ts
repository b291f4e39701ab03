import { createHash } from "node:crypto";
import { createReadStream, type ReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdDecompress } from "node:zlib";
import { FleetError } from "@fleet/base";
import type { Request, Response } from "express";

const BINARY = /^coder-(?:linux|darwin|windows)-(?:amd64|arm64|armv7)(?:\.exe)?$/;
const CHUNK_BYTES = 256 * 1_024;

/** How a binary lies in the folder: as it is, packed as NAME.zst, or both. */
type Stored = { path: string; plain: boolean; packedSize: number | undefined; version: string };

/**
 * Sends the executables of agent and command line, `coder-<os>-<arch>[.exe]`, from a folder: packed to a client that
 * unpacks zstd, and to the others as they are, unpacked on the way where they lie packed only.
 */
export function createBinaries(dir: string | undefined) {
  const described = new Map<string, Promise<{ sha1: string; size: number }>>();

  /** Of the binary itself, found once for each version of it: clients compare their own copy by it. */
  function describe(stored: Stored): Promise<{ sha1: string; size: number }> {
    const known = described.get(stored.version) ?? measure(open(stored));
    described.set(stored.version, known);
    known.catch(() => described.delete(stored.version));
    return known;
  }

  return {
    /** Throws `not_found` where there is no such binary. */
    async send(request: Request, response: Response): Promise<void> {
      const name = String(request.params.name);
      const stored = dir && BINARY.test(name) ? await find(join(dir, name)) : undefined;
      if (!stored) {
        throw new FleetError(
          "not_found",
          `This deployment has no ${name}. Its agents and command line run on the platforms that it was built for.`,
        );
      }
      const { sha1, size } = await describe(stored);
      const etag = `"${sha1}"`;
      response.setHeader("ETag", etag);
      response.setHeader("Cache-Control", "no-cache");
      response.setHeader("Vary", "Accept-Encoding");
      if (request.headers["if-none-match"] === etag) {
        response.status(304).end();
        return;
      }
      // Clients compare the media type letter by letter.
      response.setHeader("Content-Type", "application/octet-stream");
      response.setHeader("X-Original-Content-Length", String(size));
      const packed = stored.packedSize !== undefined && acceptsZstd(request);
      if (packed) response.setHeader("Content-Encoding", "zstd");
      response.setHeader("Content-Length", String(packed ? stored.packedSize : size));
      if (request.method === "HEAD") {
        response.end();
        return;
      }
      const body = packed ? read(`${stored.path}.zst`) : open(stored);
      // A client that leaves early ends the pipeline too; one that stays sees that the answer is cut short.
      await pipeline(body, response).catch(() => response.destroy());
    },
  };
}

async function find(path: string): Promise<Stored | undefined> {
  const [plain, packed] = await Promise.all(
    [path, `${path}.zst`].map((file) => stat(file).catch(() => undefined)),
  );
  const file = plain ?? packed;
  if (!file) return undefined;
  return { path, plain: plain !== undefined, packedSize: packed?.size, version: `${path}:${file.mtimeMs}` };
}

/** The bytes of the binary itself. */
function open({ path, plain }: Stored): Readable {
  if (plain) return read(path);
  const unpack = createZstdDecompress({ chunkSize: CHUNK_BYTES });
  // Its failure is the unpacker's, and with it the answer's.
  pipeline(read(`${path}.zst`), unpack).catch(() => {});
  return unpack;
}

function read(path: string): ReadStream {
  return createReadStream(path, { highWaterMark: CHUNK_BYTES });
}

async function measure(bytes: Readable): Promise<{ sha1: string; size: number }> {
  const hash = createHash("sha1");
  let size = 0;
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { sha1: hash.digest("hex"), size };
}

function acceptsZstd(request: Request): boolean {
  return /\bzstd\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(request.headers["accept-encoding"] ?? "");
}

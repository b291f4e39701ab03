import { createHash } from "node:crypto";
import { createReadStream, type ReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { FleetError } from "@fleet/base";
import type { Request, Response } from "express";
import { type Encoding, negotiate } from "./encoding.js";
import { findPacked, isAbsent, type PackedFile, packedPath } from "./packed-file.js";
import { methodNotAllowed } from "./refusal.js";

const BINARY = /^coder-(?:linux|darwin|windows)-(?:amd64|arm64|armv7)(?:\.exe)?$/;
const CHUNK_BYTES = 256 * 1_024;
/** Compression formats of binaries; the first one available is decompressed for clients that accept none. */
const UNPACKERS = [
  ["zstd", createZstdDecompress],
  ["gzip", createGunzip],
] as const;

/**
 * Serves the agent and CLI executables, `coder-<os>-<arch>[.exe]`, from a folder: compressed to clients that accept it,
 * otherwise plain, decompressed on the fly if only a compressed copy exists.
 */
export function createBinaries(dir: string | undefined) {
  const described = new Map<string, { version: string; facts: Promise<{ sha1: string; size: number }> }>();

  /** Hash and size of the uncompressed binary, computed once per version: clients compare their own copy with it. */
  function describe(file: PackedFile): Promise<{ sha1: string; size: number }> {
    const version = versionOf(file);
    const known = described.get(file.path);
    if (known?.version === version) return known.facts;
    const facts = measure(open(file));
    described.set(file.path, { version, facts });
    facts.catch(() => described.delete(file.path));
    return facts;
  }

  return {
    /** Throws `not_found` if there is no such binary, and 405 for methods other than GET and HEAD. */
    async send(name: string, request: Request, response: Response): Promise<void> {
      const file = dir && BINARY.test(name) ? await findPacked(join(dir, name)) : undefined;
      if (!file) throw new FleetError("not_found", await whyAbsent(dir, name));
      if (request.method !== "GET" && request.method !== "HEAD") {
        throw methodNotAllowed(request.method, ["GET", "HEAD"]);
      }
      const { sha1, size } = await describe(file);
      const encoding = negotiate(request.headers["accept-encoding"]?.toString(), [...file.packed.keys()]);
      // Clients send the sha1 of their copy. Compressed bytes differ, so their ETag is weak.
      response.setHeader("ETag", encoding ? `W/"${sha1}"` : `"${sha1}"`);
      response.setHeader("Cache-Control", "no-cache");
      response.setHeader("Vary", "Accept-Encoding");
      if (request.fresh) {
        response.status(304).end();
        return;
      }
      // Clients compare the media type exactly.
      response.setHeader("Content-Type", "application/octet-stream");
      response.setHeader("X-Original-Content-Length", String(size));
      if (encoding) response.setHeader("Content-Encoding", encoding);
      response.setHeader("Content-Length", String(encoding ? file.packed.get(encoding)!.size : size));
      if (request.method === "HEAD") {
        response.end();
        return;
      }
      const body = encoding ? read(packedPath(file.path, encoding)) : open(file);
      // A client disconnecting also ends the pipeline; one still connected sees a truncated response.
      await pipeline(body, response).catch(() => response.destroy());
    },
  };
}

/** The build records, for each platform without an executable, why there is none. */
async function whyAbsent(dir: string | undefined, name: string): Promise<string> {
  const example = "Executables are named coder-<os>-<arch>, for example coder-linux-amd64.";
  if (!BINARY.test(name)) return `Executable not found. ${example}`;
  const reason = dir && (await readReasons(join(dir, "absent.json")))[name];
  if (reason) return `This deployment does not provide ${name}: ${reason}.`;
  return `This deployment does not provide ${name}. ${example}`;
}

async function readReasons(file: string): Promise<Record<string, string>> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Record<string, string>;
  } catch (error) {
    if (isAbsent(error)) return {};
    throw error;
  }
}

function versionOf({ plain, packed }: PackedFile): string {
  return [plain, ...packed.values()].map((stats) => `${stats?.mtimeMs}:${stats?.size}`).join(" ");
}

/** The uncompressed bytes of the binary. */
function open({ path, plain, packed }: PackedFile): Readable {
  if (plain) return read(path);
  const [encoding, unpacker] = UNPACKERS.find(([name]) => packed.has(name)) ?? UNPACKERS[0];
  return unpacked(path, encoding, unpacker({ chunkSize: CHUNK_BYTES }));
}

function unpacked(path: string, encoding: Encoding, unpack: Transform): Readable {
  // A read failure propagates to the decompressor, and so to the response.
  pipeline(read(packedPath(path, encoding)), unpack).catch(() => {});
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

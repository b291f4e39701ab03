import { createHash } from "node:crypto";
import { mkdir, readFile, rename, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { abortable, type Clock, FleetError } from "@fleet/base";
import type { CoderdClient } from "./coderd-client.js";
import { untilAnswered } from "./patience.js";

/** Maximum size of an uploaded file, whatever coderd reports. */
const MAX_FILE_BYTES = 100 * 1024 * 1024;
/** Total size of the in-memory cache for recently used small files. */
const MEMORY_BYTES = 8 * 1024 * 1024;
const SMALL_BYTES = 256 * 1024;
/** On-disk cache of uploaded files, keyed by the sha256 of their content. */
export type FileCache = {
  /** The file's content, from disk or from coderd, verified against the hash. Concurrent callers share one download. */
  read(file: { fileId: string; sha256: string }, signal?: AbortSignal): Promise<Uint8Array>;
};

export type FileCacheOptions = {
  client: Pick<CoderdClient, "downloadFile">;
  directory: string;
  clock: Clock;
};

export async function createFileCache({ client, directory, clock }: FileCacheOptions): Promise<FileCache> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const downloads = new Map<string, Promise<Uint8Array>>();
  const memory = new Map<string, Uint8Array>();
  let memoryBytes = 0;

  function remember(sha256: string, bytes: Uint8Array): Uint8Array {
    if (bytes.length > SMALL_BYTES) return bytes;
    if (!memory.delete(sha256)) memoryBytes += bytes.length;
    memory.set(sha256, bytes);
    for (const [oldest, { length }] of memory) {
      if (memoryBytes <= MEMORY_BYTES) break;
      memory.delete(oldest);
      memoryBytes -= length;
    }
    return bytes;
  }

  async function download(fileId: string, signal: AbortSignal): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const { chunk } of client.downloadFile({ fileId }, { signal })) {
      size += chunk.length;
      if (size > MAX_FILE_BYTES) {
        throw new FleetError("too_large", "The template's archive is too large.");
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  async function fetch(fileId: string, sha256: string, path: string): Promise<Uint8Array> {
    const cached = await readFile(path).catch(() => undefined);
    if (cached && hashOf(cached) === sha256) {
      const now = clock.now();
      await utimes(path, now, now).catch(() => {});
      return cached;
    }
    const bytes = await untilAnswered((signal) => download(fileId, signal), { clock });
    if (hashOf(bytes) !== sha256) {
      throw new FleetError("internal", "The template's archive was corrupted in transit. Run the job again.");
    }
    const partial = `${path}.${process.pid}`;
    await writeFile(partial, bytes, { mode: 0o600 });
    await rename(partial, path);
    return bytes;
  }

  return {
    read({ fileId, sha256 }, signal) {
      if (!/^[0-9a-f]{64}$/.test(sha256)) {
        return Promise.reject(
          new FleetError("invalid_argument", "The template's archive has no valid hash."),
        );
      }
      const held = memory.get(sha256);
      if (held) return Promise.resolve(remember(sha256, held));
      const running = downloads.get(sha256);
      if (running !== undefined) return abortable(running, signal);
      const started = fetch(fileId, sha256, join(directory, sha256))
        .then((bytes) => remember(sha256, bytes))
        .finally(() => downloads.delete(sha256));
      downloads.set(sha256, started);
      return abortable(started, signal);
    },
  };
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

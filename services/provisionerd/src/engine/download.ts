import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { stat } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { finished } from "node:stream/promises";
import { type Clock, retry } from "@fleet/base";
import { HttpError, type Web } from "./web.js";

/** Archives are about 30 MB. */
const MAX_FILE_BYTES = 512 * 1024 * 1024;
const MAX_TEXT_BYTES = 1024 * 1024;
const RETRIES = { attempts: 5, policy: { initialMs: 200, maxMs: 5_000, factor: 3 } };

/**
 * Downloads a file to `path`. What is already there is kept and the rest asked for, so that a download that was cut off
 * goes on where it stopped. Connections that break are retried; the first one is not, so that a machine without a
 * network is not kept waiting.
 */
export async function downloadFile(options: {
  web: Web;
  url: string;
  path: string;
  clock: Clock;
}): Promise<void> {
  const { web, url, path, clock } = options;
  let answered = false;
  const attempt = async () => {
    const have = (await stat(path).catch(() => undefined))?.size ?? 0;
    const response = await rest(web, url, have);
    answered = true;
    if (response) await append(response, path, have);
  };
  await retry(attempt, {
    ...RETRIES,
    clock,
    retryable: (error) =>
      error instanceof HttpError
        ? error.status >= 500 || error.status === 429
        : answered && !isTooLarge(error),
  });
}

/** The rest of a file of which the first `have` bytes are there; undefined if that is all of it. */
async function rest(web: Web, url: string, have: number): Promise<IncomingMessage | undefined> {
  try {
    return await web.open(url, have > 0 ? { range: `bytes=${have}-` } : {});
  } catch (error) {
    // The range begins at or after the end of the file. If it is another file, its checksum will not match.
    if (error instanceof HttpError && error.status === 416) return undefined;
    throw error;
  }
}

async function append(response: IncomingMessage, path: string, have: number): Promise<void> {
  const [, from] = /^bytes (\d+)-/.exec(response.headers["content-range"] ?? "") ?? [];
  // A server that does not know ranges sends the whole file.
  const at = response.statusCode === 206 && Number(from) === have ? have : 0;
  // At once: what arrives before somebody listens is lost if the connection then breaks.
  const file = openSync(path, at > 0 ? "a" : "w", 0o600);
  let size = at;
  try {
    // Written as it comes: iterating would drop what is still buffered when the connection breaks.
    response.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_FILE_BYTES) response.destroy(tooLarge(MAX_FILE_BYTES));
      else writeSync(file, chunk);
    });
    await finished(response);
    fsyncSync(file);
  } finally {
    response.destroy();
    closeSync(file);
  }
}

/** Downloads a small file into memory. */
export async function downloadSmall(web: Web, url: string): Promise<Uint8Array> {
  const response = await web.open(url);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response) {
      size += (chunk as Buffer).length;
      if (size > MAX_TEXT_BYTES) throw tooLarge(MAX_TEXT_BYTES);
      chunks.push(chunk as Buffer);
    }
  } finally {
    response.destroy();
  }
  return Buffer.concat(chunks);
}

const TOO_LARGE = "The file is larger than";

function tooLarge(limit: number): Error {
  return new Error(`${TOO_LARGE} ${limit / 1024 / 1024} MiB.`);
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith(TOO_LARGE);
}

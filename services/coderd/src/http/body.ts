import type { IncomingMessage } from "node:http";
import type { Readable, Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { FleetError } from "@fleet/base";
import { HttpRefusal } from "./refusal.js";

/** How long a body may stall. While it makes progress, there is no time limit. */
const IDLE_MS = 30_000;

const DECODERS: Readonly<Record<string, () => Transform>> = {
  br: createBrotliDecompress,
  deflate: createInflate,
  gzip: createGunzip,
  zstd: createZstdDecompress,
};

export type BodyOptions = {
  /** In bytes, decoded. */
  limit: number;
  idleMs?: number;
};

/**
 * Reads and decodes the body of a request. Throws `too_large` beyond the limit, as early as that is known; 408 if it
 * stalls, 415 for an unknown encoding, `invalid_argument` for a corrupt one, and `canceled` if the client disconnects.
 */
export async function readBody(request: IncomingMessage, options: BodyOptions): Promise<Buffer> {
  const encoding = (request.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  if (encoding === "identity" && Number(request.headers["content-length"] ?? 0) > options.limit) {
    throw tooLarge(options.limit);
  }
  if (encoding === "identity") return collect(request, request, options);
  const decoder = DECODERS[encoding];
  if (!decoder) {
    throw new HttpRefusal(415, `The content encoding "${encoding}" is not supported.`, {
      "Accept-Encoding": Object.keys(DECODERS).join(", "),
    });
  }
  const decoded = decoder();
  request.pipe(decoded);
  return collect(request, decoded, options);
}

function collect(
  request: IncomingMessage,
  source: Readable,
  { limit, idleMs = IDLE_MS }: BodyOptions,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const idle = setTimeout(
      () =>
        end(
          new HttpRefusal(
            408,
            `No data received for ${idleMs / 1_000} s while reading the request body. Send it again.`,
          ),
        ),
      idleMs,
    );
    const end = (failure: Error | undefined) => {
      clearTimeout(idle);
      source.removeAllListeners("data");
      if (failure) {
        if (source === request) request.pause();
        else request.unpipe();
        reject(failure);
      } else resolve(Buffer.concat(chunks, size));
    };
    source.on("data", (chunk: Buffer) => {
      idle.refresh();
      size += chunk.length;
      if (size > limit) end(tooLarge(limit));
      else chunks.push(chunk);
    });
    source.once("end", () => end(undefined));
    source.once("error", (cause) => {
      const broken = source !== request && !request.readableAborted;
      end(
        broken
          ? new FleetError("invalid_argument", "The request body could not be decompressed.", { cause })
          : new FleetError("canceled", "The client closed the connection.", { cause }),
      );
    });
    request.once("close", () => {
      if (!request.complete) end(new FleetError("canceled", "The client closed the connection."));
    });
  });
}

/** Parses a JSON body, whatever its Content-Type; undefined if it is empty. */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (cause) {
    throw new FleetError("invalid_argument", "The request body is not valid JSON.", { cause });
  }
}

function tooLarge(limit: number): FleetError {
  const [unit, bytes] = limit >= 1_048_576 ? ["MiB", 1_048_576] : ["KiB", 1_024];
  const shown = Math.floor((limit / (bytes as number)) * 10) / 10;
  return new FleetError(
    "too_large",
    `The request body is larger than this route's limit of ${shown} ${unit}.`,
  );
}

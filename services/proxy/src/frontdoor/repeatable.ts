import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isFleetError } from "@fleet/base";
import { createRouteMatcher, IDEMPOTENCY_KEY_HEADER, isIdempotent, routes } from "@fleet/sdk";
import { LIMITS } from "../limits.js";

const KEY_HEADER = IDEMPOTENCY_KEY_HEADER.toLowerCase();

const matcher = createRouteMatcher(routes);

/**
 * Not undefined if the request may be retried whatever its outcome. If its route takes an idempotency key and the
 * client sent none, this is a generated key shared by all attempts; otherwise it is empty.
 */
export function repeatKeyOf({ method = "GET", url = "/", headers }: IncomingMessage): string | undefined {
  if (isIdempotent(method)) return "";
  if (!takesKey(method, url.split("?", 1)[0]!)) return undefined;
  return headers[KEY_HEADER] === undefined ? randomUUID() : "";
}

function takesKey(method: string, path: string): boolean {
  try {
    const match = matcher.match(method, path);
    return match.kind === "found" && match.routes.some(({ route }) => route.takesKey === true);
  } catch (error) {
    // coderd rejects it with the reason.
    if (isFleetError(error, "invalid_argument")) return false;
    throw error;
  }
}

/** Buffers bodies while their requests may have to be retried. */
export type BodyKeeper = {
  /**
   * Reads the request's body. Undefined if it is too large or the buffer is full; then nothing has been read. Rejects
   * if the upload is aborted.
   */
  keep(request: IncomingMessage): Promise<Buffer | undefined>;
  release(body: Buffer): void;
};

export function createBodyKeeper({
  bodyBytes = LIMITS.repeatedBodyBytes,
  bodiesBytes = LIMITS.repeatedBodiesBytes,
}: {
  bodyBytes?: number;
  bodiesBytes?: number;
} = {}): BodyKeeper {
  let kept = 0;
  return {
    async keep(request) {
      const { "content-length": length, "transfer-encoding": encoding } = request.headers;
      if (encoding === undefined && Number(length ?? 0) === 0) return Buffer.alloc(0);
      if (Number(length ?? 0) > bodyBytes) return undefined;
      // The maximum size is reserved before reading, so that concurrent uploads cannot exceed the limit.
      const reserved = encoding === undefined ? Number(length) : bodyBytes;
      if (kept + reserved > bodiesBytes) return undefined;
      kept += reserved;
      let size = 0;
      try {
        const chunks: Buffer[] = [];
        for await (const chunk of request.iterator({ destroyOnReturn: false })) {
          chunks.push(chunk as Buffer);
          size += (chunk as Buffer).length;
          if (size > bodyBytes) break;
        }
        const body = Buffer.concat(chunks);
        if (size <= bodyBytes) return body;
        size = 0;
        request.unshift(body);
        return undefined;
      } catch (error) {
        size = 0;
        throw error;
      } finally {
        kept -= reserved - size;
      }
    },
    release(body) {
      kept -= body.length;
    },
  };
}

import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isFleetError } from "@fleet/base";
import { createRouteMatcher, IDEMPOTENCY_KEY_HEADER, isIdempotent, routes } from "@fleet/sdk";
import { LIMITS } from "../limits.js";

const KEY_HEADER = IDEMPOTENCY_KEY_HEADER.toLowerCase();

const matcher = createRouteMatcher(routes);

/**
 * True when the request may be sent to coderd again whatever became of it. Where its route takes a key and the client
 * sent none, it gets one here, of which all its repeats are known.
 */
export function makeRepeatable(request: IncomingMessage): boolean {
  const { method = "GET", url = "/", headers } = request;
  if (isIdempotent(method)) return true;
  if (!takesKey(method, url.split("?", 1)[0]!)) return false;
  headers[KEY_HEADER] ??= randomUUID();
  return true;
}

function takesKey(method: string, path: string): boolean {
  try {
    const match = matcher.match(method, path);
    return match.kind === "found" && match.routes.some(({ route }) => route.takesKey === true);
  } catch (error) {
    // coderd says what is wrong with it.
    if (isFleetError(error, "invalid_argument")) return false;
    throw error;
  }
}

/** Keeps bodies for as long as their requests may have to be sent again. */
export type BodyKeeper = {
  /**
   * Reads the request's body. Undefined where it is too large, or too much is kept already: then the request is as
   * unread as before. Rejects when the body breaks off.
   */
  keep(request: IncomingMessage): Promise<Buffer | undefined>;
  release(body: Buffer): void;
};

export function createBodyKeeper(): BodyKeeper {
  let kept = 0;
  return {
    async keep(request) {
      const { "content-length": length, "transfer-encoding": encoding } = request.headers;
      if (encoding === undefined && Number(length ?? 0) === 0) return Buffer.alloc(0);
      if (Number(length ?? 0) > LIMITS.repeatedBodyBytes) return undefined;
      if (kept + LIMITS.repeatedBodyBytes > LIMITS.repeatedBodiesBytes) return undefined;
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        chunks.push(chunk as Buffer);
        size += (chunk as Buffer).length;
        if (size > LIMITS.repeatedBodyBytes) break;
      }
      const body = Buffer.concat(chunks);
      if (size > LIMITS.repeatedBodyBytes) {
        request.unshift(body);
        return undefined;
      }
      kept += size;
      return body;
    },
    release(body) {
      kept -= body.length;
    },
  };
}

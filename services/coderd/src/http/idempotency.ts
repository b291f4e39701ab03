import { createHash } from "node:crypto";
import { FleetError } from "@fleet/base";
import { IDEMPOTENCY_KEY_HEADER, type RouteSpec } from "@fleet/sdk";
import type { Actor } from "../auth/actor.js";
import type { Idempotency } from "../provisionerjobs/idempotency.js";

/** Visible ASCII: covers the draft's quoted strings and the bare UUIDs sent in practice. */
const KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * Identifies a request with an Idempotency-Key; undefined if it has none or the route accepts none. Keys are scoped to
 * their user. Throws `invalid_argument` for a malformed key.
 */
export function idempotencyOf(
  route: RouteSpec,
  request: { headers: Record<string, string | string[] | undefined>; pathname: string; body: unknown },
  actor: Actor,
): Idempotency | undefined {
  const value = request.headers[IDEMPOTENCY_KEY_HEADER.toLowerCase()];
  if (!route.takesKey || value === undefined || actor.kind !== "user") return undefined;
  if (typeof value !== "string" || !KEY.test(value)) {
    throw new FleetError(
      "invalid_argument",
      `The ${IDEMPOTENCY_KEY_HEADER} must be 1 to 255 visible characters. Use a UUID.`,
    );
  }
  return {
    key: sha256(actor.userId, value),
    request: sha256(route.method, request.pathname, JSON.stringify(request.body ?? null)),
  };
}

/** The parts cannot be confused with one another: none contains an unescaped line break. */
function sha256(...parts: string[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(parts.join("\n")).digest());
}

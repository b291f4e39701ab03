import type { IncomingMessage } from "node:http";
import { parseBoolean } from "@fleet/base";
import { holdsOwner, type Subject } from "@fleet/rbac";
import type { RouteSpec } from "@fleet/sdk";
import type { Redis } from "ioredis";
import type { Actor } from "../auth/actor.js";
import { requestFacts } from "./facts.js";
import { HttpRefusal } from "./refusal.js";

const WINDOW_SECONDS = 60;
/** Password attempts per minute and address; file uploads per minute and user. */
const PASSWORD_LIMIT = 60;
const FILES_LIMIT = 12;
/** Apps that register themselves, per minute and address. */
const REGISTRATION_LIMIT = 30;
/** Redis timeout of a count; after one, counting is skipped for a while. */
const COUNT_LIMIT_MS = 250;
const REST_MS = 5_000;

export type RateLimiter = (request: IncomingMessage, actor: Actor, route: RouteSpec) => Promise<void>;

/**
 * Counts requests per minute and user (or address, if not signed in) in Redis, shared by all replicas. If Redis is down
 * or slow, requests are neither rejected nor delayed. Agents and the identity provider are not limited. A negative
 * `perMinute` disables the limit, except for passwords and uploads, which have their own.
 */
export function createRateLimiter(options: {
  redis: Redis;
  prefix: string;
  perMinute: number;
  /** No limits at all. */
  disabled: boolean;
}): RateLimiter {
  const { redis } = options;
  let restUntil = 0;

  /** Undefined if Redis does not respond in time. */
  async function count(key: string): Promise<number | undefined> {
    if (redis.status !== "ready" || performance.now() < restUntil) return undefined;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => {
        restUntil = performance.now() + REST_MS;
        resolve(undefined);
      }, COUNT_LIMIT_MS);
    });
    const counted = redis
      .multi()
      .incr(key)
      .expire(key, WINDOW_SECONDS)
      .exec()
      .then((answers) => Number(answers?.[0]?.[1] ?? 0))
      .catch(() => undefined);
    return Promise.race([counted, late]).finally(() => clearTimeout(timer));
  }

  return async (request, actor, route) => {
    if (options.disabled || actor.kind === "agent" || actor.kind === "scim") return;
    if (actor.kind === "user" && bypasses(request, actor.subject.roles)) return;
    const { ip } = requestFacts(request);
    const who = actor.kind === "user" ? actor.userId : ip;
    const [bucket, limit] = bucketOf(route, options.perMinute);
    if (limit < 0) return;
    const window = Math.floor(Date.now() / 1000 / WINDOW_SECONDS);
    const key = `${options.prefix}:rate:${bucket}:${who}:${window}`;
    if (((await count(key)) ?? 0) > limit) {
      const seconds = Math.ceil((window + 1) * WINDOW_SECONDS - Date.now() / 1000);
      throw new HttpRefusal(
        429,
        `Rate limit exceeded (${limit} requests per minute). Try again in ${seconds} s.`,
        {
          "Retry-After": String(Math.max(1, seconds)),
        },
      );
    }
  };
}

function bypasses(request: IncomingMessage, roles: Subject["roles"]): boolean {
  const header = request.headers["x-coder-bypass-ratelimit"];
  return typeof header === "string" && parseBoolean(header) === true && holdsOwner(roles);
}

function bucketOf(route: RouteSpec, perMinute: number): [string, number] {
  if (/^\/api\/v2\/users\/(login|otp|validate-password|:user\/(password|convert-login)$)/.test(route.path))
    return ["password", PASSWORD_LIMIT];
  if (route.path === "/oauth2/register") return ["register", REGISTRATION_LIMIT];
  if (route.method === "POST" && route.path === "/api/v2/files") return ["files", FILES_LIMIT];
  return ["api", perMinute];
}

import type { IncomingMessage } from "node:http";
import { FleetError, parseBoolean } from "@fleet/base";
import type { RouteSpec } from "@fleet/sdk";
import type { Redis } from "ioredis";
import type { Actor } from "../auth/actor.js";
import { requestFacts } from "./router.js";

const WINDOW_SECONDS = 60;
/** Tries at a password a minute and address; files a minute and user. */
const PASSWORD_LIMIT = 60;
const FILES_LIMIT = 12;

export type RateLimiter = (request: IncomingMessage, actor: Actor, route: RouteSpec) => Promise<void>;

/**
 * Counts requests a minute and user (or address, when nobody is signed in) in Redis, so that all replicas count
 * together. Without Redis nothing is refused. `perMinute` below zero turns it off.
 */
export function createRateLimiter(options: { redis: Redis; prefix: string; perMinute: number }): RateLimiter {
  return async (request, actor, route) => {
    if (options.perMinute < 0 || actor.kind === "agent") return;
    if (actor.kind === "user" && bypasses(request, actor.subject.roles)) return;
    const { ip } = requestFacts(request);
    const who = actor.kind === "user" ? actor.userId : ip;
    const [bucket, limit] = bucketOf(route, options.perMinute);
    const window = Math.floor(Date.now() / 1000 / WINDOW_SECONDS);
    const key = `${options.prefix}:rate:${bucket}:${who}:${window}`;
    const count = await options.redis
      .multi()
      .incr(key)
      .expire(key, WINDOW_SECONDS)
      .exec()
      .then((answers) => Number(answers?.[0]?.[1] ?? 0))
      .catch(() => 0);
    if (count > limit) {
      throw new FleetError(
        "resource_exhausted",
        `Too many requests: at most ${limit} a minute. Try again in a minute.`,
      );
    }
  };
}

function bypasses(request: IncomingMessage, roles: readonly unknown[]): boolean {
  const header = request.headers["x-coder-bypass-ratelimit"];
  return typeof header === "string" && parseBoolean(header) === true && roles.includes("owner");
}

function bucketOf(route: RouteSpec, perMinute: number): [string, number] {
  if (/^\/api\/v2\/users\/(login|otp|validate-password)/.test(route.path))
    return ["password", PASSWORD_LIMIT];
  if (route.method === "POST" && route.path === "/api/v2/files") return ["files", FILES_LIMIT];
  return ["api", perMinute];
}

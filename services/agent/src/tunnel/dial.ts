import { connect, type Socket } from "node:net";
import type { Target } from "./target.js";

/** What a program that listens "on localhost" may have chosen: Node from 17 on takes ::1 where it comes first. */
const LOOPBACK = ["127.0.0.1", "::1"];

/**
 * Connects to a target. `localhost` and 127.0.0.1 are first 127.0.0.1 and then, when nothing listens there, ::1. Rejects
 * with the error of the first, or with the signal's reason when it aborts before.
 */
export async function dial(target: Target, signal?: AbortSignal): Promise<Socket> {
  signal?.throwIfAborted();
  if ("path" in target) return await connected({ path: target.path }, signal);
  const isLoopback = target.host === "localhost" || target.host === "127.0.0.1";
  const hosts = isLoopback ? LOOPBACK : [target.host];
  let refused: unknown;
  for (const host of hosts) {
    try {
      return await connected({ host, port: target.port }, signal);
    } catch (error) {
      refused ??= error;
      if ((error as NodeJS.ErrnoException).code !== "ECONNREFUSED") break;
    }
  }
  throw refused;
}

function connected(
  to: { path: string } | { host: string; port: number },
  signal: AbortSignal | undefined,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // A port or path that cannot be is thrown.
    const socket = connect({ ...to, allowHalfOpen: true, noDelay: true });
    const onAbort = () => socket.destroy(signal!.reason as Error);
    const settled = () => signal?.removeEventListener("abort", onAbort);
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.once("error", (error) => {
      settled();
      reject(error);
    });
    socket.once("connect", () => {
      settled();
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}

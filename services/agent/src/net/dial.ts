import { connect, type Socket } from "node:net";
import type { Target } from "./target.js";

/** Addresses that a program may listen on for "localhost": Node 17 and later prefer ::1 if it is resolved first. */
const LOOPBACK = ["127.0.0.1", "::1"];

/**
 * Connects to a target. For `localhost` and 127.0.0.1, tries 127.0.0.1 and then ::1 if the connection is refused.
 * Rejects with the first error, or with the signal's reason if it is aborted.
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
    // Throws for an invalid port or path.
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

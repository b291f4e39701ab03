import type { EventEmitter } from "node:events";
import { errorMessage } from "./errors.js";
import type { Logger } from "./logger.js";

/**
 * For listening servers. When a connection cannot be accepted, usually for lack of file descriptors, which any client
 * can cause by connecting often enough, node:net emits `error`, and an unhandled one ends the process.
 * The server keeps accepting by itself.
 */
export function surviveRefusedConnections(server: Pick<EventEmitter, "on">, logger: Logger): void {
  server.on("error", (error: unknown) => {
    logger.error("Could not accept a connection. Check the limit on open files (ulimit -n).", {
      reason: errorMessage(error),
    });
  });
}

import type { EventEmitter } from "node:events";
import { errorMessage } from "./errors.js";
import type { Logger } from "./logger.js";

/**
 * For a server that listens. Where a connection cannot be accepted, for want of file descriptors above all, which whoever
 * connects often enough can bring about, node:net tells so by an `error` event, and one that nobody hears ends the process.
 * The server goes on accepting by itself.
 */
export function surviveRefusedConnections(server: Pick<EventEmitter, "on">, logger: Logger): void {
  server.on("error", (error: unknown) => {
    logger.error("Could not accept a connection. Check the limit on open files (ulimit -n).", {
      reason: errorMessage(error),
    });
  });
}

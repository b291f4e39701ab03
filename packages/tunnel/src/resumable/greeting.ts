import type { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { FleetError } from "@fleet/base";
import { GREETING } from "./frame.js";

/**
 * True when the other end begins with the greeting, which is then taken off. False when it begins with anything else,
 * which is left to be read: the other end is the service itself, with nothing between.
 */
export async function readGreeting(transport: Duplex, signal: AbortSignal): Promise<boolean> {
  const seen = await firstBytes(transport, signal);
  const isGreeting = seen.subarray(0, GREETING.length).equals(GREETING);
  const rest = isGreeting ? seen.subarray(GREETING.length) : seen;
  if (rest.length > 0) transport.unshift(rest);
  // By now Node has forgotten the "readable" listener, and the stream flows for whoever listens next.
  await turn();
  return isGreeting;
}

/** Reads until the bytes are the whole greeting, or can no longer become it. */
function firstBytes(transport: Duplex, signal: AbortSignal): Promise<Buffer> {
  let seen: Buffer = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    const settle = (outcome: () => void) => {
      transport.off("readable", onReadable);
      transport.off("end", onClose);
      transport.off("close", onClose);
      signal.removeEventListener("abort", onAbort);
      outcome();
    };
    const onAbort = () => settle(() => reject(signal.reason));
    const onClose = () => {
      settle(() => reject(new FleetError("unavailable", "The connection was lost before the greeting.")));
    };
    const onReadable = () => {
      for (let chunk = transport.read() as Buffer | null; chunk; chunk = transport.read() as Buffer | null) {
        seen = Buffer.concat([seen, chunk]);
        const compared = Math.min(seen.length, GREETING.length);
        if (compared < GREETING.length && seen.equals(GREETING.subarray(0, compared))) continue;
        return settle(() => resolve(seen));
      }
    };
    transport.on("error", () => {});
    transport.on("readable", onReadable);
    transport.on("end", onClose);
    transport.on("close", onClose);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    else if (transport.destroyed) onClose();
  });
}

import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "@fleet/base";

/** Asks until the answer is there; a throw counts as "not yet", and the last one is told when time is up. */
export async function waitUntil<T>(
  what: string,
  seconds: number,
  probe: () => Promise<T | undefined | false>,
  everyMs = 500,
): Promise<T> {
  const until = performance.now() + seconds * 1_000;
  let last: unknown = "it was not so";
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > until)
      throw new Error(`Waited ${seconds} s in vain for ${what}: ${errorMessage(last)}`, { cause: last });
    await sleep(everyMs);
  }
}

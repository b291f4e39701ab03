import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "@fleet/base";

/** Polls until there is an answer; an error counts as "not yet", and the last one is reported on timeout. */
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

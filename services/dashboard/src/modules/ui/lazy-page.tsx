import { type ComponentType, type LazyExoticComponent, lazy } from "react";
import { pulse as pagePulse } from "../../api/client.js";
import type { Pulse } from "../../api/pulse.js";

/** Between two tries at a page's code, while the server can be reached. */
const WAIT_MS = 1_000;
const TRIES = 3;

type Waits = { pulse: Pick<Pulse, "doubt" | "reachable">; wait(ms: number): Promise<void> };

/**
 * Fetches a page's code. A fetch that fails while the network or the server is away is done again when they are back;
 * code that is gone after an update is not, and the error tells so.
 */
export async function loadPatiently<T>(load: () => Promise<T>, { pulse, wait }: Waits): Promise<T> {
  const forever = new AbortController().signal;
  for (let tries = 1; ; tries++) {
    try {
      return await load();
    } catch (error) {
      if (tries >= TRIES) throw error;
      pulse.doubt();
      await wait(WAIT_MS);
      await pulse.reachable(forever);
    }
  }
}

/** A page whose code is fetched when it is first opened. */
export function page<Name extends string, Props extends object>(
  load: () => Promise<Record<Name, ComponentType<Props>>>,
  name: Name,
): LazyExoticComponent<ComponentType<Props>> {
  const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  return lazy(async () => ({ default: (await loadPatiently(load, { pulse: pagePulse, wait }))[name] }));
}

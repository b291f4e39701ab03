import { type ComponentType, type LazyExoticComponent, lazy } from "react";
import { pulse as pagePulse } from "../../api/client.js";
import type { Pulse } from "../../api/pulse.js";

/** Delay between attempts to load a page's code while the server is reachable. */
const WAIT_MS = 1_000;
const TRIES = 3;

type Waits = { pulse: Pick<Pulse, "doubt" | "reachable">; wait(ms: number): Promise<void> };

/**
 * Loads a page's code. Retries when the network or the server is back; code that is missing after an update is an
 * error.
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

/** A page whose code is loaded on first use, or before it by `preload`. */
export function page<Name extends string, Props extends object>(
  load: () => Promise<Record<Name, ComponentType<Props>>>,
  name: Name,
): LazyExoticComponent<ComponentType<Props>> & { preload(): void } {
  const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  const component = lazy(async () => ({
    default: (await loadPatiently(load, { pulse: pagePulse, wait }))[name],
  }));
  // Whether that fails is seen when the page is opened, which loads it again.
  return Object.assign(component, { preload: () => void load().catch(() => {}) });
}

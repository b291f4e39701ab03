import { setTimeout } from "node:timers/promises";

/** Waits until the condition gives something other than false, undefined or an error, and gives that. */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  withinMs = 20_000,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    let failure: unknown;
    try {
      const value = await condition();
      if (value !== undefined && value !== false && value !== null) return value as NonNullable<T>;
    } catch (error) {
      failure = error;
    }
    if (Date.now() > deadline) throw failure ?? new Error("The condition did not become true in time.");
    await setTimeout(10);
  }
}

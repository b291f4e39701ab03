import type { TestCoderd } from "./coderd.js";

/** Each step waits for a response from Postgres, so that the work it triggers completes and no query times out. */
const STEP_MS = 1_000;

/** Advances time for a coderd that uses the test's clock. */
export async function passTime(
  { coderd }: TestCoderd,
  ms: number,
  advance: (ms: number) => Promise<void>,
): Promise<void> {
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    await advance(STEP_MS);
    await coderd.ready();
  }
}

import type { TestCoderd } from "./coderd.js";

/** Each step waits for an answer of Postgres: what it begins gets its answer, and nobody takes Postgres for away. */
const STEP_MS = 1_000;

/** Lets time pass at a coderd whose clock the test moves. */
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

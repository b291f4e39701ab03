import { takeTestLogs } from "./logs.js";

/** The part of jest-circus's state that says whether the running test has failed; jest has no public API for it. */
type CircusState = { currentlyRunningTest?: { errors: unknown[] } };

function currentTestFailed(): boolean {
  const key = Object.getOwnPropertySymbols(globalThis).find(
    ({ description }) => description === "JEST_STATE_SYMBOL",
  );
  const state = key && (globalThis as Record<symbol, CircusState | undefined>)[key];
  return (state?.currentlyRunningTest?.errors.length ?? 0) > 0;
}

afterEach(() => {
  const logs = takeTestLogs();
  if (logs !== "" && currentTestFailed()) {
    process.stderr.write(`Log of "${expect.getState().currentTestName}":\n${logs}\n`);
  }
});

import { mkdirSync, writeFileSync } from "node:fs";
import { basename } from "node:path";

/** Jest reporter that ends `make e2e-identity` with one line of JSON, as the benchmarks end. */
export default class IdentityReport {
  onRunComplete(_contexts, { numFailedTests, numPassedTests, numPendingTests, testResults }) {
    const broken = testResults.filter(({ testExecError }) => testExecError).length;
    const files = testResults.map(({ testFilePath, numFailingTests, testExecError }) => [
      basename(testFilePath, ".test.ts"),
      numFailingTests + (testExecError ? 1 : 0),
    ]);
    const results = {
      failed: numFailedTests + broken,
      passed: numPassedTests,
      skipped: numPendingTests,
      ...Object.fromEntries(files.map(([name, failed]) => [`${name}_failed`, failed])),
    };
    const goals = { failed: { op: "<=", value: 0 }, skipped: { op: "<=", value: 0 } };
    const closing = JSON.stringify({ bench: "e2e-identity", results, goals });
    mkdirSync("bench-results", { recursive: true });
    writeFileSync("bench-results/e2e-identity.json", `${closing}\n`);
    // After the summary, so that it is the last line.
    process.once("exit", () => console.log(closing));
  }
}

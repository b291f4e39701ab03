// jest, and then the suites that failed once more, each alone: on a loaded machine a test can lose a race that its code
// does not have. What passes then is named as flaky, to be mended; what fails twice fails the run, and so does a run with
// more than MAX_FAILED failed suites, which is no chance. `make unit` forgives nothing.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

const MAX_FAILED = 3;

const args = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "once-more-"));
const report = join(folder, "report.json");
const jest = (...more) => spawnSync("jest", [...args, ...more], { stdio: "inherit" }).status ?? 1;

let status = jest("--json", `--outputFile=${report}`);
if (status !== 0) {
  const failed = failedSuites();
  if (failed.length > 0 && failed.length <= MAX_FAILED) {
    console.error(`\nRunning once more, alone:\n${failed.map((suite) => `  ${suite}`).join("\n")}\n`);
    status = jest("--runInBand", "--runTestsByPath", ...failed);
    if (status === 0)
      console.error(`\nFLAKY, passed when run again:\n${failed.map((suite) => `  ${suite}`).join("\n")}`);
  }
}
rmSync(folder, { recursive: true });
process.exitCode = status;

/** None if jest itself broke and wrote no report. */
function failedSuites() {
  try {
    const { testResults } = JSON.parse(readFileSync(report, "utf8"));
    return testResults.filter(({ status }) => status === "failed").map(({ name }) => relative("", name));
  } catch {
    return [];
  }
}

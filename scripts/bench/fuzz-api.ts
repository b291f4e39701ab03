import { resolve } from "node:path";
import { startFleet } from "../../e2e/harness/fleet.js";
import { createFindings } from "./fuzz-api/findings.js";
import { sendHostile } from "./fuzz-api/hostile.js";
import { makeObjects } from "./fuzz-api/objects.js";
import { runSchemathesis } from "./fuzz-api/schemathesis.js";
import { sendRaw } from "./fuzz-api/sockets.js";
import { missedGoals, type Report, report } from "./report.js";

/**
 * Sends invalid requests to a full fleet, as its owner and as a member: a list of our own, which covers every
 * parameter, query value and field of the contract, and what schemathesis generates from the API document. MINUTES
 * limits the run, not counting the fleet's startup. Unlike a benchmark, it fails when a goal is missed.
 */
const MINUTES = Number(process.env.MINUTES ?? 5);
const SCHEMATHESIS = resolve(process.env.SCHEMATHESIS ?? "dist/fuzz-api/bin/schemathesis");
/** The share of the time for our own list; the callers share the rest. */
const LIST_SHARE = 0.4;

async function measure(): Promise<Report> {
  await using fleet = await startFleet();
  const before = [...fleet.pids("coderd"), ...fleet.pids("proxy"), ...fleet.pids("provisionerd")];
  const { objects, callers } = await makeObjects(fleet);
  const findings = createFindings();
  const totalMs = MINUTES * 60_000;

  const listCases = await counted(() =>
    Promise.all([
      sendHostile({ url: fleet.url, callers, objects, findings, until: Date.now() + totalMs * LIST_SHARE }),
      sendRaw(fleet.url, fleet.token, findings),
    ]),
  );
  const seconds = Math.max(20, Math.round((totalMs * (1 - LIST_SHARE)) / callers.length / 1_000));
  const generatedCases = await counted(async () => {
    for (const caller of callers) {
      await runSchemathesis({ program: SCHEMATHESIS, url: fleet.url, caller, objects, seconds, findings });
    }
  });

  async function counted(work: () => Promise<unknown>): Promise<number> {
    const from = findings.cases;
    await work();
    return findings.cases - from;
  }

  const after = [...fleet.pids("coderd"), ...fleet.pids("proxy"), ...fleet.pids("provisionerd")];
  const ended = before.filter((pid) => !after.includes(pid)).length;
  await fleet.client.userGet({ params: { user: "me" } });
  if (findings.counts.server_errors + findings.counts.hangs + ended > 0) {
    console.error(
      fleet
        .log()
        .split("\n")
        .filter((line) => /erro|panic|fatal/i.test(line))
        .slice(0, 40)
        .join("\n"),
    );
  }
  return {
    bench: "fuzz-api",
    table: [
      ["", "cases"],
      ["our own list", String(listCases)],
      ["schemathesis", String(generatedCases)],
    ],
    results: { cases: findings.cases, ...findings.counts, ended_processes: ended },
    goals: {
      cases: { op: ">=", value: 2_000 },
      server_errors: { op: "<=", value: 0 },
      hangs: { op: "<=", value: 0 },
      schema_mismatches: { op: "<=", value: 0 },
      ended_processes: { op: "<=", value: 0 },
      // A few internal errors do not invalidate the run; with more, it has not tested enough.
      fuzzer_errors: { op: "<=", value: 5 },
    },
    notes: findings.lines(),
  };
}

const measured = await measure();
report(measured);
if (missedGoals(measured.results, measured.goals).length > 0) process.exitCode = 1;

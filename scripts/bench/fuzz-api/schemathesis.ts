import { spawn } from "node:child_process";
import { createReadStream, existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { routes } from "@fleet/sdk";
import type { Findings } from "./findings.js";
import { OPERATIONS } from "./hostile.js";
import type { Caller, Objects } from "./objects.js";

const HOOKS = join(import.meta.dirname, "hooks.py");
const CHECKS =
  "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
/** A request that takes longer counts as hung. */
const HANG_SECONDS = 20;
/** It stops by itself when its time is up; this is the fallback. */
const GRACE_MS = 60_000;

/** Runs schemathesis on the API document as this caller, for the given time. */
export async function runSchemathesis(options: {
  program: string;
  url: string;
  caller: Caller;
  objects: Objects;
  seconds: number;
  findings: Findings;
}): Promise<void> {
  const { program, url, caller, findings } = options;
  if (!existsSync(program)) throw new Error(`${program} not found. Run \`make fuzz-api\`.`);
  const folder = await mkdtemp(join(tmpdir(), "fuzz-api-"));
  const report = join(folder, "events.ndjson");
  // It cannot generate archives.
  const skipped = Object.keys(routes)
    .filter((name) => name === "fileUpload" || !OPERATIONS.some(([known]) => known === name))
    .flatMap((name) => ["--exclude-operation-id", name]);
  try {
    const output = await run(
      program,
      [
        "run",
        `${url}/api/v2/openapi.json`,
        ...["--header", `Coder-Session-Token:${caller.token}`],
        ...["--phases", "coverage,fuzzing"],
        ...["--checks", CHECKS],
        ...["--workers", "2"],
        ...["--max-time", String(options.seconds)],
        ...["--request-timeout", String(HANG_SECONDS)],
        ...["--suppress-health-check", "all"],
        ...["--warnings", "off"],
        ...["--generation-database", "none"],
        ...skipped,
        "--no-shrink",
        "--continue-on-failure",
        "--no-color",
        ...["--report", "ndjson", "--report-ndjson-path", report],
      ],
      {
        ...(process.env as Record<string, string>),
        SCHEMATHESIS_HOOKS: HOOKS,
        FUZZ_OBJECTS: JSON.stringify(options.objects),
      },
      options.seconds * 1_000 + GRACE_MS,
      folder,
    );
    if (!existsSync(report)) throw new Error(`schemathesis did not run:\n${output}`);
    await readReport(report, caller, findings);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function run(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
  limitMs: number,
  cwd: string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"], timeout: limitMs });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    child.once("error", reject);
    child.once("close", () => resolve(output));
  });
}

type Check = { name: string; status: string; failure?: { title?: string; message?: string } };
type Finished = {
  ScenarioFinished?: {
    recorder: {
      label: string;
      cases?: Record<string, { value: { method: string; path: string } }>;
      checks?: Record<string, Check[]>;
      interactions?: Record<string, { request: { method: string; uri?: string; url?: string } }>;
    };
  };
  NonFatalError?: { label?: string; info?: { message?: string; title?: string } };
  FatalError?: unknown;
};

/** Counts requests and failed checks: faults of the server, or mismatches with the document. */
async function readReport(file: string, caller: Caller, findings: Findings): Promise<void> {
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const event = JSON.parse(line) as Finished;
    const failed = event.NonFatalError ?? event.FatalError;
    if (failed) {
      const text = JSON.stringify(failed);
      findings.add(/time.?out/i.test(text) ? "hangs" : "fuzzer_errors", "schemathesis", text);
    }
    const recorder = event.ScenarioFinished?.recorder;
    if (!recorder) continue;
    findings.cases += Object.keys(recorder.interactions ?? {}).length;
    for (const [id, checks] of Object.entries(recorder.checks ?? {})) {
      for (const check of checks.filter(({ status }) => status === "failure")) {
        const fault = check.name === "not_a_server_error" ? "server_errors" : "schema_mismatches";
        const request = recorder.interactions?.[id]?.request;
        const said = `${caller.name}: ${request?.method} ${request?.uri ?? request?.url}`;
        findings.add(fault, recorder.label, `${said}: ${JSON.stringify(check)}`);
      }
    }
  }
}

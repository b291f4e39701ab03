import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LogLevel } from "@fleet/proto-gen/provisioner";
import type { TimingInit } from "@fleet/provisionersdk";
import { createUiReader } from "./ui.js";

function read(lines: readonly string[]) {
  const logs: [LogLevel, string][] = [];
  const timings: TimingInit[] = [];
  let planned = 0;
  const reader = createUiReader({
    stage: "apply",
    told: new Set(),
    report: {
      stage() {},
      log: (level, output) => void logs.push([level, output]),
      timing: (timing) => void timings.push(timing),
      checkpoint() {},
    },
    onPlanned: () => planned++,
  });
  for (const line of lines) reader.line(line);
  return { logs, timings, planned, errors: reader.errors };
}

// Output of terraform 1.11.4 for `apply -json -auto-approve` of an agent, a command that fails, and an output.
const recorded = readFileSync(join(import.meta.dirname, "fixtures/apply.jsonl"), "utf8")
  .trim()
  .split("\n");

test("a recorded apply becomes log lines, timings and an error in terraform's words", () => {
  const { logs, timings, planned, errors } = read(recorded);
  expect(planned).toBe(1);
  const lines = logs.map(([, output]) => output);
  expect(lines).toContain("terraform_data.ok: Creating...");
  expect(lines.find((line) => line.includes("(local-exec): hello from the command"))).toBeDefined();
  expect(timings.map(({ stage, action, resource, failed }) => ({ stage, action, resource, failed }))).toEqual(
    expect.arrayContaining([
      { stage: "apply", action: "create", resource: "terraform_data.ok", failed: false },
      { stage: "apply", action: "create", resource: "terraform_data.bad", failed: true },
    ]),
  );
  expect(errors.join("\n").split("\n")).toEqual([
    "local-exec provisioner error (main.tf:5, terraform_data.bad): Error running command 'exit 3': exit status 3. Output:",
    '   5 |   provisioner "local-exec" { command = "exit 3" }',
  ]);
  expect(
    logs.some(
      ([level, output]) => level === LogLevel.ERROR && output.includes("local-exec provisioner error"),
    ),
  ).toBe(true);
});

test("output values do not appear in the log", () => {
  const outputs = JSON.stringify({
    "@level": "info",
    "@message": "Outputs: 1",
    type: "outputs",
    outputs: { x: { value: "hunter2" } },
  });
  expect(JSON.stringify(read([outputs]))).not.toContain("hunter2");
});

test("a line that is not a message is logged unchanged", () => {
  expect(read(["plain", "{broken"]).logs).toEqual([
    [LogLevel.INFO, "plain"],
    [LogLevel.INFO, "{broken"],
  ]);
});

test("a message that is too long is reported without its content", () => {
  const logs: [LogLevel, string][] = [];
  const reader = createUiReader({
    stage: "apply",
    told: new Set(),
    report: { stage() {}, log: (...line) => void logs.push(line), timing() {}, checkpoint() {} },
  });
  reader.line('{"type":"outputs","outputs":{"secret":', true);
  reader.line("plain text that goes on and", true);
  expect(logs).toEqual([
    [LogLevel.WARN, "A Terraform message was too long to show (more than 1 MiB)."],
    [LogLevel.INFO, "plain text that goes on and"],
  ]);
});

test("a warning is marked, and reported once per job", () => {
  const logs: string[] = [];
  const told = new Set<string>();
  const diagnostic = {
    severity: "warning",
    summary: "Deprecated attribute",
    range: { filename: "main.tf", start: { line: 3 } },
  };
  for (const stage of ["plan", "apply"]) {
    const report = {
      stage() {},
      log: (_: LogLevel, text: string) => void logs.push(text),
      timing() {},
      checkpoint() {},
    };
    createUiReader({ stage, report, told }).line(
      JSON.stringify({ "@level": "warn", type: "diagnostic", diagnostic }),
    );
  }
  expect(logs).toEqual(["Warning: Deprecated attribute (main.tf:3)"]);
});

test("a long snippet is cut, and one of another shape makes no message", () => {
  const diagnostic = (snippet: unknown) =>
    JSON.stringify({
      "@level": "error",
      type: "diagnostic",
      diagnostic: {
        severity: "error",
        summary: "Bad",
        range: { filename: "a.tf", start: { line: 7 } },
        snippet,
      },
    });
  const code = Array.from({ length: 9 }, (_, index) => `line ${index}`).join("\n");
  expect(read([diagnostic({ code, start_line: 7 })]).errors[0]!.split("\n")).toEqual([
    "Bad (a.tf:7)",
    "   7 | line 0",
    "   8 | line 1",
    "   9 | line 2",
    "  10 | line 3",
    "  11 | line 4",
    "     | …",
  ]);
  expect(read([diagnostic(null)]).errors).toEqual(["Bad (a.tf:7)"]);
  expect(read([diagnostic({ code: 1 })]).errors).toEqual([]);
});

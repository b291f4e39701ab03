import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { type Clock, nullLogger, systemClock } from "@fleet/base";
import { ScriptSchema } from "@fleet/proto-gen/agent";
import { waitFor } from "../testing/wait.js";
import type { LogLine } from "../uplink/logs.js";
import type { Reports, ScriptResult } from "../uplink/reports.js";
import { createScripts } from "./scripts.js";

function scripts(
  list: object[],
  clock: Clock = systemClock,
  folders: { dataDir?: string; logDir?: string } = {},
) {
  const home = mkdtempSync(join(tmpdir(), "agent-scripts-"));
  const results: ScriptResult[] = [];
  const lines: LogLine[] = [];
  const reports: Reports = {
    lifecycle() {},
    scriptCompleted: (result) => results.push(result),
    appHealth() {},
    metadata() {},
    log: (line) => lines.push(line),
    connection() {},
    resources() {},
    unpushedWork() {},
    containers() {},
    flush: async () => {},
  };
  const own = createScripts({
    scripts: list.map((each) => create(ScriptSchema, each)),
    user: { name: "ana", home, shell: "/bin/sh" },
    environment: () => ({ PATH: process.env.PATH!, HOME: home }),
    directory: () => home,
    dataDir: join(home, "data"),
    logDir: join(home, "log"),
    ...folders,
    reports,
    clock,
    logger: nullLogger,
  });
  return { own, home, results, lines };
}

test("scripts of a stage run in parallel, each with its own folders and log file", async () => {
  const { own, home, lines } = scripts([
    {
      id: "a",
      logSourceId: "la",
      script: "echo one; touch a; until [ -e b ]; do sleep 0.01; done",
      runOnStart: true,
    },
    { id: "b", logSourceId: "lb", script: "touch b; until [ -e a ]; do sleep 0.01; done", runOnStart: true },
    {
      id: "c",
      logSourceId: "lc",
      script:
        "echo $CODER_SCRIPT_DATA_DIR $CODER_SCRIPT_BIN_DIR; ls -d $CODER_SCRIPT_DATA_DIR $CODER_SCRIPT_BIN_DIR",
      logPath: "own/c.log",
      runOnStart: true,
    },
    { id: "d", logSourceId: "ld", script: "touch stopped", runOnStop: true },
  ]);
  expect(await own.run("start")).toBe("ok");
  expect(readFileSync(join(home, "log/coder-script-la.log"), "utf8")).toBe("one\n");
  const data = join(home, "data/coder-script-data");
  expect(readFileSync(join(home, "log/own/c.log"), "utf8").split("\n")[0]).toBe(`${data}/lc ${data}/bin`);
  expect(lines.find((line) => line.sourceId === "la")).toMatchObject({ level: "info", output: "one" });
  expect(existsSync(join(home, "stopped"))).toBe(false);
  expect(await own.run("stop")).toBe("ok");
  expect(existsSync(join(home, "stopped"))).toBe(true);
});

test("a script waits for its predecessors in the same stage", async () => {
  const { own, home, results } = scripts([
    { id: "last", script: "echo last >> order", runOnStart: true, after: [{ scriptId: "middle" }] },
    { id: "middle", script: "echo middle >> order", runOnStart: true, after: [{ scriptId: "first" }] },
    { id: "first", script: "sleep 0.2; echo first >> order", runOnStart: true },
    { id: "end", script: "true", runOnStop: true, after: [{ scriptId: "first" }, { scriptId: "no such" }] },
  ]);
  expect(await own.run("start")).toBe("ok");
  expect(readFileSync(join(home, "order"), "utf8")).toBe("first\nmiddle\nlast\n");
  const [first, middle] = results;
  expect(middle!.startedAt.getTime()).toBeGreaterThanOrEqual(first!.endedAt.getTime());
  expect(await own.run("stop")).toBe("ok");
});

test("a script is skipped if a predecessor that must succeed fails, times out or is skipped", async () => {
  const { own, home, results, lines } = scripts([
    { id: "bad", displayName: "Clone", script: "exit 3", runOnStart: true },
    { id: "slow", script: "sleep 1000", timeoutSeconds: 1, runOnStart: true },
    {
      id: "a",
      displayName: "Install",
      logSourceId: "la",
      script: "touch a",
      runOnStart: true,
      after: [{ scriptId: "bad" }],
    },
    { id: "b", logSourceId: "lb", script: "touch b", runOnStart: true, after: [{ scriptId: "a" }] },
    { id: "c", logSourceId: "lc", script: "touch c", runOnStart: true, after: [{ scriptId: "slow" }] },
    { id: "d", script: "touch d", runOnStart: true, after: [{ scriptId: "a", anyOutcome: true }] },
  ]);
  expect(await own.run("start")).toBe("error");
  const statuses = Object.fromEntries(results.map(({ scriptId, status }) => [scriptId, status]));
  expect(statuses).toEqual({
    bad: "exit_failure",
    slow: "timed_out",
    a: "skipped",
    b: "skipped",
    c: "skipped",
    d: "ok",
  });
  expect(["a", "b", "c", "d"].filter((name) => existsSync(join(home, name)))).toEqual(["d"]);
  expect(lines.filter(({ level }) => level === "warn").map(({ output }) => output)).toEqual(
    expect.arrayContaining(['Skipped, because "Clone" failed.', 'Skipped, because "Install" was skipped.']),
  );
});

test("scripts with circular dependencies still run", async () => {
  const { own, results } = scripts([
    { id: "a", script: "true", runOnStart: true, after: [{ scriptId: "b" }] },
    { id: "b", script: "true", runOnStart: true, after: [{ scriptId: "a" }, { scriptId: "b" }] },
  ]);
  expect(await own.run("start")).toBe("ok");
  expect(results.map(({ status }) => status)).toEqual(["ok", "ok"]);
});

test("a timeout is a distinct outcome, and is logged", async () => {
  const { own, results, lines } = scripts([
    { id: "a", logSourceId: "l", script: "sleep 1000", timeoutSeconds: 1, runOnStart: true },
  ]);
  expect(await own.run("start")).toBe("timeout");
  expect(results).toMatchObject([{ scriptId: "a", stage: "start", status: "timed_out" }]);
  expect(lines.at(-1)).toMatchObject({
    level: "error",
    output: "The script timed out after 1 seconds.",
  });
});

test("a schedule with seconds runs one script at a time until stopped", async () => {
  const { own, results } = scripts([{ id: "a", logSourceId: "l", script: "true", cron: "* * * * * *" }]);
  own.schedule();
  await waitFor(() => results.length >= 2);
  expect(results[0]).toMatchObject({ stage: "cron", status: "ok" });
  own.stopSchedule();
});

test("an invalid cron schedule is reported in the script's log", () => {
  const { own, lines } = scripts([{ id: "a", logSourceId: "l", script: "true", cron: "every tuesday" }]);
  own.schedule();
  expect(lines[0]).toMatchObject({
    level: "error",
    output: expect.stringContaining('Invalid cron schedule "every tuesday"'),
  });
});

test("a failing script is logged with its exit code; one that cannot start, with the reason", async () => {
  const { own, lines } = scripts([
    {
      id: "a",
      logSourceId: "la",
      displayName: "Setup",
      script: "echo failing >&2; exit 3",
      runOnStart: true,
    },
    {
      id: "b",
      logSourceId: "lb",
      displayName: "Tools",
      script: "#!/no/such/interpreter\n",
      runOnStart: true,
    },
    { id: "c", logSourceId: "lc", displayName: "Fine", script: "echo warning >&2", runOnStart: true },
  ]);
  expect(await own.run("start")).toBe("error");
  const of = (id: string) => lines.filter((line) => line.sourceId === id).map(({ output }) => output);
  expect(of("la")).toEqual(["failing", '"Setup" failed with exit code 3.']);
  expect(of("lb")).toEqual(['"Tools" failed to start: /no/such/interpreter: command not found.']);
  expect(of("lc")).toEqual(["warning"]);
});

test("scripts run even if their log and data folder cannot be written", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "agent-readonly-")), "file");
  writeFileSync(file, "");
  // Root may write anywhere, but not below a file.
  const { own, lines } = scripts(
    [{ id: "a", logSourceId: "la", script: "echo ran", runOnStart: true }],
    systemClock,
    {
      dataDir: join(file, "data"),
      logDir: join(file, "log"),
    },
  );
  expect(await own.run("start")).toBe("ok");
  expect(lines.map(({ output }) => output)).toEqual([
    expect.stringMatching(/^Failed to create the script's data folder/),
    expect.stringMatching(/^Failed to create the script's data folder/),
    "ran",
  ]);
});

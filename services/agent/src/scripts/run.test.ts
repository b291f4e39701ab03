import { systemClock } from "@fleet/base";
import { waitFor } from "../testing/wait.js";
import { createLineSplitter, MAX_LINE_LENGTH } from "./lines.js";
import { runScript } from "./run.js";

function run(script: string, timeoutMs = 0, pipeGraceMs = 10_000) {
  let output = "";
  const take = (chunk: Buffer): undefined => {
    output += chunk;
  };
  const result = runScript({
    file: "/bin/sh",
    args: ["-c", script],
    cwd: "/",
    env: { PATH: process.env.PATH! },
    timeoutMs,
    pipeGraceMs,
    clock: systemClock,
    onStdout: take,
    onStderr: take,
  });
  return { result, output: () => output };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("the exit code is reported, for a signal as 128 plus its number", async () => {
  expect(await run("exit 0").result).toEqual({ exitCode: 0, status: "ok" });
  expect(await run("exit 9").result).toEqual({ exitCode: 9, status: "exit_failure" });
  expect(await run("kill -9 $$").result).toEqual({ exitCode: 137, status: "exit_failure" });
});

test("a timeout kills child processes too", async () => {
  const { result, output } = run("sleep 1000 & echo $!; wait", 200);
  expect(await result).toMatchObject({ status: "timed_out" });
  await waitFor(() => !isAlive(Number(output())));
});

test("a child that keeps the output open is left running, and reported", async () => {
  const { result, output } = run("sleep 1000 & echo $!", 0, 100);
  expect(await result).toEqual({ exitCode: 0, status: "pipes_left_open" });
  const pid = Number(output());
  expect(isAlive(pid)).toBe(true);
  process.kill(pid);
  await waitFor(() => !isAlive(pid));
});

test("a missing program is reported", async () => {
  const result = await runScript({
    file: "/no/such/program",
    args: [],
    cwd: "/",
    env: {},
    timeoutMs: 0,
    clock: systemClock,
    onStdout() {},
    onStderr() {},
  });
  expect(result).toMatchObject({
    exitCode: 127,
    status: "exit_failure",
    error: "/no/such/program: command not found.",
  });
});

test("lines are complete, valid UTF-8 and bounded", () => {
  const lines: string[] = [];
  const splitter = createLineSplitter((line) => lines.push(line));
  for (const byte of Buffer.from("é\r\n\nx\0y\nlast")) splitter.push(Buffer.from([byte]));
  splitter.end();
  expect(lines).toEqual(["é", "", "xy", "last"]);
  lines.length = 0;
  splitter.push(Buffer.alloc(MAX_LINE_LENGTH * 2 + 1, "z"));
  splitter.end();
  expect(lines.map((line) => line.length)).toEqual([MAX_LINE_LENGTH, MAX_LINE_LENGTH, 1]);
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../testing/wait.js";
import { createCpuMeter } from "./cpu.js";

const UID = process.getuid!();

/** A folder like /proc, with processes that a test writes. */
async function createProc() {
  const folder = await mkdtemp(join(tmpdir(), "proc-"));
  return {
    folder,
    async set(pid: number, parent: number, ticks: number, name = "worker", started = 5) {
      await mkdir(join(folder, String(pid)), { recursive: true });
      const zeros = (count: number) => Array(count).fill(0).join(" ");
      // utime, stime, cutime and cstime are the fields 14 to 17; starttime is the 22nd.
      const line = `${pid} (${name}) S ${parent} ${zeros(9)} ${ticks} 0 0 0 ${zeros(4)} ${started} 0`;
      await writeFile(join(folder, String(pid), "stat"), line);
    },
    end: (pid: number) => rm(join(folder, String(pid)), { recursive: true }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

test("usage is the average since the last reading, in percent of one core", async () => {
  await using proc = await createProc();
  let nowMs = 0;
  const meter = createCpuMeter({ proc: proc.folder, self: 10, uid: UID, nowMs: () => nowMs });
  await proc.set(10, 1, 0);
  await proc.set(11, 10, 100, "a (very) odd name");
  expect(await meter.read()).toBeUndefined();
  nowMs = 10_000;
  await proc.set(11, 10, 600, "a (very) odd name");
  await proc.set(12, 1, 500);
  expect(await meter.read()).toBe(100);
  nowMs = 20_000;
  expect(await meter.read()).toBe(0);
});

test("what the agent does itself does not count, and neither does what other users do", async () => {
  await using proc = await createProc();
  let nowMs = 0;
  const options = { proc: proc.folder, self: 10, nowMs: () => nowMs };
  const own = createCpuMeter({ ...options, uid: UID });
  const others = createCpuMeter({ ...options, uid: UID + 1 });
  await proc.set(10, 1, 0);
  await proc.set(11, 10, 0);
  await proc.set(12, 11, 0);
  await proc.set(13, 1, 0);
  await Promise.all([own.read(), others.read()]);
  nowMs = 10_000;
  await proc.set(10, 1, 9_000);
  await proc.set(12, 11, 200);
  await proc.set(13, 1, 300);
  expect(await own.read()).toBe(50);
  // Of another user, but started by the agent: with sudo, for example.
  expect(await others.read()).toBe(20);
});

test("a process id that is used again starts from nothing", async () => {
  await using proc = await createProc();
  let nowMs = 0;
  const meter = createCpuMeter({ proc: proc.folder, self: 10, uid: UID, nowMs: () => nowMs });
  await proc.set(11, 1, 1_000);
  await meter.read();
  await proc.end(11);
  await proc.set(11, 1, 100, "another", 77);
  nowMs = 10_000;
  expect(await meter.read()).toBe(10);
});

test("a real program that computes is seen", async () => {
  const meter = createCpuMeter({ nowMs: () => performance.now() });
  await meter.read();
  const child = spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" });
  await waitFor(async () => ((await meter.read()) ?? 0) > 1);
  child.kill("SIGKILL");
  await once(child, "close");
});

test("without /proc, nothing is measured", async () => {
  const meter = createCpuMeter({ proc: "/nowhere", nowMs: () => performance.now() });
  await meter.read();
  expect(await meter.read()).toBeUndefined();
});

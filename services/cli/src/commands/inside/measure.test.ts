import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { cpuUsage, memoryUsage } from "./measure.js";

/** A tree of kernel files as seen in a container. */
async function tree(files: Record<string, string>) {
  const cgroup = await mkdtemp(join(tmpdir(), "coder-cgroup-"));
  const write = async (name: string, text: string) => {
    await mkdir(dirname(join(cgroup, name)), { recursive: true });
    await writeFile(join(cgroup, name), text);
  };
  for (const [name, text] of Object.entries(files)) await write(name, text);
  return {
    roots: { cgroup, proc: "/proc" },
    write,
    [Symbol.asyncDispose]: () => rm(cgroup, { recursive: true }),
  };
}

test("memory of a container (cgroup v2): without reclaimable cache, against its limit", async () => {
  await using files = await tree({
    "memory.current": "3000\n",
    "memory.max": "8000\n",
    "memory.stat": "anon 1500\ninactive_file 1000\n",
  });
  expect(await memoryUsage(files.roots, false)).toEqual({ used: 2000, total: 8000 });
});

test("memory without a limit is measured against the machine's (v2 and v1)", async () => {
  await using v2 = await tree({ "memory.current": "3000", "memory.max": "max" });
  expect(await memoryUsage(v2.roots, false)).toEqual({ used: 3000, total: totalmem() });
  await using v1 = await tree({
    "memory/memory.usage_in_bytes": "3000",
    "memory/memory.limit_in_bytes": "9223372036854771712",
    "memory/memory.stat": "inactive_file 5\ntotal_inactive_file 500\n",
  });
  expect(await memoryUsage(v1.roots, false)).toEqual({ used: 2500, total: totalmem() });
});

test("cores in use are CPU seconds over the time between two readings", async () => {
  await using files = await tree({ "cpu.stat": "usage_usec 1000000\n", "cpu.max": "150000 100000\n" });
  let elapsedMs = 0;
  const usage = await cpuUsage(files.roots, false, async () => {
    const started = performance.now();
    await files.write("cpu.stat", "usage_usec 1500000\n");
    await new Promise((resolve) => setTimeout(resolve, 100));
    elapsedMs = performance.now() - started;
  });
  expect(usage.total).toBe(1.5);
  expect(usage.used).toBeGreaterThan(0);
  expect(usage.used).toBeLessThanOrEqual(500 / elapsedMs);
});

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { type Logger, nullLogger, systemClock } from "@fleet/base";
import { ResourcesMonitoringSchema } from "@fleet/proto-gen/agent";
import { waitFor } from "../testing/wait.js";
import type { ResourcesSample } from "../uplink/reports.js";
import { monitorResources } from "./monitor.js";
import { memoryUsage, volumeUsage } from "./usage.js";

test("memory and volume usage is read", async () => {
  const memory = await memoryUsage();
  expect(memory.totalBytes).toBeGreaterThan(1024 * 1024);
  expect(memory.usedBytes).toBeGreaterThan(0);
  expect(memory.usedBytes).toBeLessThanOrEqual(memory.totalBytes);
  const volume = await volumeUsage(mkdtempSync(join(tmpdir(), "volume-")));
  expect(volume.totalBytes).toBeGreaterThanOrEqual(volume.usedBytes);
  await expect(volumeUsage("/no/such/volume")).rejects.toThrow("ENOENT");
});

test("missing, invalid and unresponsive volumes are skipped, and logged once", async () => {
  const logged: string[] = [];
  const reports: (readonly ResourcesSample[])[] = [];
  const logger: Logger = {
    ...nullLogger,
    warn: (_message, fields) => void logged.push(String(fields?.resource)),
  };
  let hanging = 0;
  const monitor = monitorResources({
    monitoring: create(ResourcesMonitoringSchema, {
      memory: true,
      volumes: ["/", "/no/such/volume", "/bad\0path", "/hangs"],
      intervalSeconds: 1,
      samples: 2,
      reportIntervalSeconds: 1,
    }),
    // At once: on a busy machine, a real read may take longer than this clock's limit.
    read: {
      memory: async () => ({ usedBytes: 1, totalBytes: 2 }),
      volume(path) {
        if (path === "/") return Promise.resolve({ usedBytes: 1, totalBytes: 2 });
        if (path !== "/hangs") return volumeUsage(path);
        hanging++;
        return new Promise(() => {});
      },
    },
    expand: (path) => path,
    reports: { resources: (samples) => reports.push(samples) },
    clock: {
      ...systemClock,
      every: (ms, work) => systemClock.every(ms / 50, work),
      after: (ms, work) => systemClock.after(ms / 500, work),
    },
    logger,
  });
  const full = await waitFor(() => reports.find((samples) => samples.length === 2 && hanging > 0));
  monitor.stop();
  expect(full[0]!.volumes.map(({ path }) => path)).toEqual(["/"]);
  expect(full[0]!.memory).toEqual({ usedBytes: 1, totalBytes: 2 });
  // A read that hangs is not begun again.
  expect(hanging).toBe(1);
  expect(logged.filter((name) => name === "/no/such/volume")).toHaveLength(1);
});

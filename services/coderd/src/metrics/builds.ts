import { errorMessage, type Logger } from "@fleet/base";
import { Counter, Histogram, type Registry } from "prom-client";
import type { EndedJob } from "../provisionerjobs/store.js";
import type { MetricsStore } from "./store.js";

/** Counts jobs and builds that finish on this replica, under upstream's metric names. */
export type JobMetrics = { ended(jobs: readonly EndedJob[]): Promise<void> };

export function createJobMetrics(options: {
  registry: Registry;
  store: MetricsStore;
  logger: Logger;
}): JobMetrics {
  const registers = [options.registry];
  const timings = new Histogram({
    name: "coderd_provisionerd_job_timings_seconds",
    help: "Duration of provisioner jobs, from start to completion.",
    labelNames: ["provisioner", "status"],
    buckets: [1, 10, 30, 60, 300, 600, 1_800, 3_600],
    registers,
  });
  const builds = new Counter({
    name: "coderd_workspace_builds_total",
    help: "Completed workspace builds.",
    labelNames: ["workspace_name", "owner_email", "template_name", "template_version", "action", "status"],
    registers,
  });

  return {
    async ended(jobs) {
      for (const { provisioner, failed, seconds } of jobs) {
        timings.observe({ provisioner, status: failed ? "failed" : "success" }, seconds);
      }
      const jobIds = jobs.filter(({ type }) => type === "workspace_build").map(({ id }) => id);
      if (jobIds.length === 0) return;
      try {
        const ended = await options.store.endedBuilds(jobIds);
        const failed = new Set(jobs.flatMap((job) => (job.failed ? [job.id] : [])));
        for (const build of ended) {
          builds.inc({
            workspace_name: build.workspace ?? "",
            owner_email: build.ownerEmail ?? "",
            template_name: build.template ?? "",
            template_version: build.version ?? "",
            action: build.transition.toUpperCase(),
            status: failed.has(build.jobId) ? "failed" : "success",
          });
        }
      } catch (error) {
        options.logger.warn("could not count completed builds", { error: errorMessage(error) });
      }
    },
  };
}

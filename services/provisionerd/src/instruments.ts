import { Gauge, Histogram, type Registry } from "prom-client";

/** Metrics of a daemon. */
export type Instruments = {
  jobStarted(provisioner: string): void;
  jobEnded(provisioner: string, outcome: string, durationMs: number): void;
};

/** Registers the metrics, under the names that upstream's dashboards use. */
export function createInstruments(registry: Registry): Instruments {
  const current = new Gauge({
    name: "coderd_provisionerd_jobs_current",
    help: "Provisioner jobs running in this daemon.",
    labelNames: ["provisioner"],
    registers: [registry],
  });
  const timings = new Histogram({
    name: "coderd_provisionerd_job_timings_seconds",
    help: "Duration of jobs, from acquisition to acknowledged completion.",
    labelNames: ["provisioner", "status"],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600],
    registers: [registry],
  });
  return {
    jobStarted: (provisioner) => current.inc({ provisioner }),
    jobEnded(provisioner, outcome, durationMs) {
      current.dec({ provisioner });
      timings.observe({ provisioner, status: outcome }, durationMs / 1000);
    },
  };
}

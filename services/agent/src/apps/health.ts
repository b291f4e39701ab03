import * as http from "node:http";
import * as https from "node:https";
import type { Clock, Timer } from "@fleet/base";
import type { App } from "@fleet/proto-gen/agent";
import type { HealthStatus, Reports } from "../uplink/reports.js";

/** Default interval, in milliseconds. */
const DEFAULT_INTERVAL_MS = 5_000;

export type HealthOptions = { apps: readonly App[]; reports: Reports; clock: Clock };

/** Runs each app's health check at its interval, and reports changes. */
export function checkApps({ apps, reports, clock }: HealthOptions): { stop(): void } {
  const stopping = new AbortController();
  const timers: Timer[] = [];
  for (const app of apps) {
    if (app.healthcheckUrl === "") continue;
    const intervalMs =
      app.healthcheckIntervalSeconds > 0 ? app.healthcheckIntervalSeconds * 1000 : DEFAULT_INTERVAL_MS;
    const threshold = Math.max(1, app.healthcheckThreshold);
    let status: HealthStatus = "initializing";
    let failures = 0;
    let asking = false;
    const change = (next: HealthStatus) => {
      if (next === status) return;
      status = next;
      reports.appHealth(app.id, next);
    };
    const check = async () => {
      if (asking) return;
      asking = true;
      const healthy = await answers(app.healthcheckUrl, intervalMs, stopping.signal);
      asking = false;
      if (stopping.signal.aborted) return;
      failures = healthy ? 0 : failures + 1;
      if (healthy) change("healthy");
      else if (failures >= threshold) change("unhealthy");
    };
    reports.appHealth(app.id, status);
    void check();
    timers.push(clock.every(intervalMs, () => void check()));
  }
  return {
    stop() {
      stopping.abort();
      for (const timer of timers) timer.cancel();
    },
  };
}

/** True for any status below 500 within the timeout. */
function answers(url: string, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    let request: http.ClientRequest;
    try {
      const get = url.startsWith("https:") ? https.get : http.get;
      // An app on this machine may have a self-signed certificate.
      request = get(url, { timeout: timeoutMs, signal, rejectUnauthorized: false } as https.RequestOptions);
    } catch {
      return resolve(false);
    }
    request.on("response", (response) => {
      response.destroy();
      resolve((response.statusCode ?? 500) < 500);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
    request.on("close", () => resolve(false));
  });
}

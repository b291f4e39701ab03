/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import type { HealthReport, HealthSection } from "@fleet/sdk";
import { screen } from "@testing-library/react";
import { press } from "../testing/act.js";
import { openPage } from "../testing/page.js";
import { TIME } from "../testing/samples.js";

const ok: HealthSection = { healthy: true, severity: "ok", warnings: [], dismissed: false, error: null };
const report = (database: object): HealthReport => ({
  time: TIME,
  healthy: true,
  severity: "ok",
  failing_sections: [],
  derp: { ...ok, regions: {}, netcheck_logs: [] },
  access_url: {
    ...ok,
    access_url: "https://x.test",
    reachable: true,
    status_code: 200,
    healthz_response: "OK",
  },
  websocket: { ...ok, body: "", code: 101 },
  database: { ...ok, reachable: true, latency: "1ms", latency_ms: 1, threshold_ms: 15, ...database },
  workspace_proxy: ok,
  provisioner_daemons: { ...ok, items: [] },
  coder_version: "v2.33.0",
});

test("the summary matches the rows", async () => {
  const slow = { severity: "warning", warnings: [{ code: "EDB02", message: "Postgres is slow." }] };
  using _ = openPage("/deployment/health", { debugHealth: report(slow) });
  await screen.findByText(/1 check has a warning\./);
  screen.getByText(/Postgres is slow\./);
});

test("the summary is healthy only if every check passed", async () => {
  using _ = openPage("/deployment/health", { debugHealth: report({}) });
  await screen.findByText(/All checks passed\./);
});

test("a failed check says what to do; passed ones are in one line each", async () => {
  const down = { severity: "error", error: "EDB01: The database is not responding: timeout" };
  using deployment = openPage("/deployment/health", {
    debugHealth: report(down),
    debugHealthSettings: { dismissed_healthchecks: [] },
    debugHealthSettingsUpdate: { dismissed_healthchecks: ["Database"] },
    replicas: [],
  });
  await screen.findByText(/1 check failed\./);
  await screen.findByText(/Check that Postgres runs/);
  const passed = await screen.findByRole("list", { name: "Passed checks" });
  expect(passed.children).toHaveLength(5);
  await press("Dismiss");
  expect(deployment.writes.map(({ body }) => body)).toEqual([{ dismissed_healthchecks: ["Database"] }]);
});

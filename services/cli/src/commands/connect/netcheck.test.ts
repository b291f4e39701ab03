import { type Deployment, startDeployment } from "../../testing/deployment.js";
import { buildInfo } from "../../testing/objects.js";
import { createTestCli, type TestCli } from "../../testing/run.js";

let cli: TestCli;
beforeEach(async () => {
  cli = await createTestCli();
});
afterEach(() => cli[Symbol.asyncDispose]());

const region = (name: string, path_app_url: string) => ({
  ...{ id: crypto.randomUUID(), name, display_name: "", icon_url: "", healthy: true, wildcard_hostname: "" },
  path_app_url,
});

function start(regions: () => ReturnType<typeof region>[], withSockets = true): Promise<Deployment> {
  return startDeployment({
    buildInfo,
    regions: () => ({ regions: regions() }),
    ...(withSockets ? { inboxWatch: () => [] } : {}),
  });
}

const netcheck = (url: string, ...args: string[]) =>
  cli.run(["--url", url, "--token", "t", "netcheck", ...args]);

test("the report is only JSON, in the shape that editors parse", async () => {
  let url = "";
  await using deployment = await start(() => [region("primary", url), region("tokyo", url)]);
  url = deployment.url;
  const { status, stdout, stderr } = await netcheck(url);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const report = JSON.parse(stdout);
  expect(report.derp).toMatchObject({ severity: "ok", warnings: [], error: null, netcheck: null });
  expect(Object.keys(report.derp.regions)).toEqual(["1", "2"]);
  expect(report.derp.regions["2"]).toMatchObject({
    severity: "ok",
    region: { RegionID: 2, RegionName: "tokyo", EmbeddedRelay: false },
    node_reports: [
      {
        can_exchange_messages: true,
        round_trip_ping_ms: expect.any(Number),
        stun: { Enabled: false, CanSTUN: false },
      },
    ],
  });
  expect(report.interfaces).toMatchObject({
    severity: "ok",
    interfaces: expect.arrayContaining([
      { name: "lo", mtu: expect.any(Number), addresses: expect.arrayContaining(["127.0.0.1/8"]) },
    ]),
  });
});

test("the report says why the deployment cannot be reached, and the text form fails", async () => {
  const down = await netcheck("http://127.0.0.1:9", "-o", "json");
  expect(down.status).toBe(0);
  expect(JSON.parse(down.stdout).derp).toMatchObject({
    severity: "error",
    error: "primary: Connection to 127.0.0.1:9 was refused: nothing is listening there.",
  });
  const unknown = await netcheck("http://no-such-host.invalid", "-o", "text");
  expect(unknown.status).toBe(1);
  expect(unknown.stdout).toContain("DNS lookup of no-such-host.invalid failed");
});

test("a proxy that blocks WebSockets is named, and so is a region that is down", async () => {
  await using deployment = await start(() => [region("tokyo", "http://127.0.0.1:9")], false);
  const { status, stdout } = await netcheck(deployment.url, "-o", "text");
  expect(status).toBe(0);
  expect(stdout).toContain("WebSocket connections do not reach the deployment (HTTP status 404)");
  expect(stdout).toContain("tokyo: Connection to 127.0.0.1:9 was refused");
});

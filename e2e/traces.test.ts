import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { json } from "node:stream/consumers";
import { waitFor } from "@fleet/testkit";
import { startFleet } from "./harness/fleet.js";
import { succeed } from "./harness/workspace.js";

const TEMPLATE = resolve(import.meta.dirname, "templates/slow");

const COMPLETE_JOB = "coderd: coder.provisioner.v1.ProvisionerDaemonService/CompleteJob";

type Span = { name: string; traceId: string; spanId: string; parentSpanId?: string };
type Sent = {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue?: string } }[] };
    scopeSpans: { spans: Span[] }[];
  }[];
};

/** An OTLP/HTTP collector that stores the spans, each prefixed with its program's name. */
async function startCollector() {
  const spans: Span[] = [];
  const server = createServer(async (request, response) => {
    for (const { resource, scopeSpans } of ((await json(request)) as Sent).resourceSpans) {
      const service = resource.attributes.find(({ key }) => key === "service.name")?.value.stringValue;
      for (const span of scopeSpans.flatMap((scope) => scope.spans))
        spans.push({ ...span, name: `${service}: ${span.name}` });
    }
    response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

test("a build is one trace: front door request, API, job, each phase of terraform and completion", async () => {
  await using collector = await startCollector();
  await using fleet = await startFleet({
    env: {
      CODER_TRACE_ENABLE: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: "200",
      CODER_PROVISIONER_DAEMONS: "1",
    },
  });
  const variable = `ledger=${join(fleet.configDir, "ledger")}`;
  await succeed(fleet, ["templates", "push", "slow", "-d", TEMPLATE, "--variable", variable, "--yes"]);
  await succeed(fleet, ["create", "traced", "--template", "slow", "--parameter", "seconds=0", "--yes"]);

  const line = await waitFor(() => lineage(collector.spans), {
    what: "the spans of the build, from its end up to the request",
    timeoutMs: 15_000,
  });
  expect(line.end).toEqual([COMPLETE_JOB, "provisionerd: report", ...line.job]);
  expect(line.apply).toEqual(["provisionerd: apply", ...line.job]);
  expect(line.job).toEqual([
    "provisionerd: job workspaceBuild",
    expect.stringMatching(/^coderd: POST \/api\/v2\/.*workspaces/),
    "proxy: proxy frontdoor",
  ]);
  const phases = collector.spans.filter(({ parentSpanId }) => parentSpanId === line.jobSpan.spanId);
  expect(phases.map(({ name }) => name)).toEqual(
    ["setup", "init", "quota", "apply", "report"].map((name) => `provisionerd: ${name}`),
  );
});

/** Names from each of two build spans up to the root of the trace. Throws while some have not arrived. */
function lineage(spans: readonly Span[]) {
  const jobSpan = spans.find(({ name }) => name === "provisionerd: job workspaceBuild");
  const inTrace = (name: string) =>
    spans.find((span) => span.name === name && span.traceId === jobSpan?.traceId);
  const [end, apply] = [inTrace(COMPLETE_JOB), inTrace("provisionerd: apply")];
  if (!jobSpan || !end || !apply) throw new Error(`there are ${spans.map(({ name }) => name).join(", ")}`);
  const upwards = (span: Span): string[] => {
    if (!span.parentSpanId) return [span.name];
    const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
    if (!parent) throw new Error(`the parent of ${span.name} has not come`);
    return [span.name, ...upwards(parent)];
  };
  return { jobSpan, job: upwards(jobSpan), end: upwards(end), apply: upwards(apply) };
}

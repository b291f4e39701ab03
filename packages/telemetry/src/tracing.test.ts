import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { extractTraceContext, injectTraceContext, startTracing, withSpan } from "./index.js";

type SentSpan = {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  status?: { code: number };
};
type Sent = {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue: string } }[] };
    scopeSpans: { spans: SentSpan[] }[];
  }[];
};

/** An OTLP collector that keeps what it receives. */
async function startCollector() {
  const bodies: Sent[] = [];
  const server = createServer(async (request, response) => {
    bodies.push((await json(request)) as Sent);
    response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    spans: () =>
      bodies.flatMap((body) => body.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans))),
    close: () => server.close(),
  };
}

test("spans of two processes reach the collector as one trace", async () => {
  const collector = await startCollector();
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = collector.endpoint;
  const { tracer, close } = await startTracing({ service: "coderd", enabled: true, env: {} });

  const carrier = await withSpan(tracer, "request", { "http.method": "POST" }, () => injectTraceContext());
  expect(carrier.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  const failing = withSpan(
    tracer,
    "job",
    {},
    () => withSpan(tracer, "apply", {}, () => Promise.reject(new Error("no capacity"))),
    extractTraceContext(carrier),
  );
  await expect(failing).rejects.toThrow("no capacity");
  await close();
  collector.close();

  const spans = collector.spans();
  const named = (name: string) => spans.find((span) => span.name === name)!;
  expect(new Set(spans.map((span) => span.traceId)).size).toBe(1);
  expect(named("job").parentSpanId).toBe(named("request").spanId);
  expect(named("apply").parentSpanId).toBe(named("job").spanId);
  expect(named("apply").status?.code).toBe(2);
  expect(collector.bodies[0]!.resourceSpans[0]!.resource.attributes).toContainEqual({
    key: "service.name",
    value: { stringValue: "coderd" },
  });
});

test("without CODER_TRACE_ENABLE, work runs without trace context", async () => {
  const { tracer, close } = await startTracing({ service: "coderd", enabled: false, env: {} });
  const result = await withSpan(tracer, "request", {}, (span) => [span.isRecording(), injectTraceContext()]);
  expect(result).toEqual([false, {}]);
  await close();
});

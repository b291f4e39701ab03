import { Counter } from "prom-client";
import { createLogger, createMetrics, serveMetrics } from "./index.js";

function sink() {
  const lines: string[] = [];
  return { lines, stream: { write: (line: string) => void lines.push(line) } };
}

describe("createLogger", () => {
  test("writes one JSON object per line, with the child's fields, and redacts secrets down to three levels", () => {
    const { lines, stream } = sink();
    const log = createLogger({ service: "coderd", stream }).child({ request_id: "r1" });
    log.debug("Hidden by the level.");
    log.warn("Careful.", {
      password: "hunter2",
      headers: { cookie: "hunter2", a: { "set-cookie": "hunter2", b: "shown" } },
      error: new Error("boom"),
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain("hunter2");
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: "warn",
      service: "coderd",
      msg: "Careful.",
      request_id: "r1",
      password: "[redacted]",
      headers: { a: { b: "shown" } },
      error: { type: "Error", message: "boom" },
      time: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  test("writes human-readable lines if configured", () => {
    const { lines, stream } = sink();
    createLogger({ service: "proxy", human: true, stream }).info("Listening.", { port: 3000, path: "a b" });
    expect(lines.join("")).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} .*info .* ?proxy: Listening\. {2}port=3000 {2}path="a b"\n$/,
    );
  });
});

describe("serveMetrics", () => {
  test("serves metrics, liveness and readiness", async () => {
    const registry = createMetrics({ service: "coderd" });
    new Counter({ name: "things_total", help: "Things.", registers: [registry] }).inc(2);
    let reason: string | undefined;
    const ready = () => {
      if (reason) throw new Error(reason);
    };
    const server = await serveMetrics({ address: "127.0.0.1:0", registry, health: { ready } });
    const get = (path: string) => fetch(`http://${server.address}${path}`);

    const metrics = await (await get("/metrics")).text();
    expect(metrics).toContain("things_total 2");
    expect(metrics).toMatch(/coderd_build_info\{version="v\d[^"]*",revision="[^"]+"\} 1/);
    expect(metrics).toContain("process_cpu_seconds_total");
    expect((await get("/healthz")).status).toBe(200);
    expect((await get("/readyz")).status).toBe(200);
    reason = "no database";
    const unready = await get("/readyz");
    expect([unready.status, await unready.text()]).toEqual([503, "no database\n"]);
    expect((await get("/")).status).toBe(404);
    await server.close();
  });

  test("rejects an invalid address", async () => {
    const registry = createMetrics({ service: "x" });
    await expect(serveMetrics({ address: "2112", registry, health: { ready() {} } })).rejects.toThrow(
      '"2112" is not a valid address',
    );
  });
});

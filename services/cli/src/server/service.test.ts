import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@fleet/base";
import { freePort, waitFor } from "@fleet/testkit";
import { startService } from "./service.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "coder-service-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Starts a program as a service. */
async function start(source: string, atOnce = new AbortController()) {
  const program = join(folder, "service.mjs");
  await writeFile(program, source);
  const port = await freePort();
  const lines: string[] = [];
  const running = startService(
    {
      name: "proxy",
      program,
      env: { PORT: String(port), LOG: join(folder, "log") },
      readyUrl: `http://127.0.0.1:${port}/readyz`,
      graceMs: 10_000,
    },
    {
      clock: systemClock,
      signal: new AbortController().signal,
      atOnce: atOnce.signal,
      onLine: (name, line) => lines.push(`${name}: ${line}`),
    },
  );
  return { running, lines };
}

const SERVER = `
  import { createServer } from "node:http";
  import { appendFileSync } from "node:fs";
  let asked = 0;
  createServer((_, response) => response.writeHead(++asked < 3 ? 503 : 200).end("not yet")).listen(process.env.PORT, "127.0.0.1");
  console.log("I listen");
`;

test("a service is ready when it says so, and stops when told to", async () => {
  const { running, lines } = await start(`${SERVER}
    process.on("SIGTERM", () => { appendFileSync(process.env.LOG, "drained"); process.exit(0); });`);
  const service = await running;
  expect(lines).toContain("proxy: I listen");
  await service.stop();
  expect(await service.exited).toEqual({ code: 0, signal: null });
  expect(await readFile(join(folder, "log"), "utf8")).toBe("drained");
});

test("an interrupt cuts the drain of a service short", async () => {
  const atOnce = new AbortController();
  const { running, lines } = await start(
    `${SERVER}
    process.on("SIGTERM", () => console.log("draining"));
    process.on("SIGINT", () => process.exit(3));`,
    atOnce,
  );
  const service = await running;
  const stopping = service.stop();
  await waitFor(() => lines.includes("proxy: draining"), { what: "the service to drain" });
  atOnce.abort();
  await stopping;
  expect(await service.exited).toEqual({ code: 3, signal: null });
});

test("a service that exits while starting is reported with its last output", async () => {
  const { running } = await start('console.error("CODER_PG_CONNECTION_URL is not set"); process.exit(1);');
  await expect(running).rejects.toMatchObject({
    message: "proxy ended with status 1. Last output:",
    detail: "CODER_PG_CONNECTION_URL is not set",
  });
});

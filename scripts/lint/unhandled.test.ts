import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "@fleet/testkit";
import { buildSync } from "esbuild";

const ROOT = join(import.meta.dirname, "../..");

function temporaryFolder(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), "unhandled-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

test("an unhandled error fails the test that caused it", () => {
  using folder = temporaryFolder();
  writeFileSync(
    join(folder.path, "some.test.cjs"),
    `const later = (work) => async () => { setTimeout(work, 5); await new Promise((done) => setTimeout(done, 50)); };
     test("rejection", later(() => void Promise.reject(new Error("r"))));
     test("exception", later(() => { throw new Error("e"); }));
     test("event", later(() => new (require("node:events"))().emit("error", new Error("v"))));
     test("none", later(() => {}));`,
  );
  const config = { rootDir: folder.path, testMatch: ["**/*.test.cjs"], testEnvironment: "node" };
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      join(ROOT, "node_modules/jest/bin/jest.js"),
      "--config",
      JSON.stringify(config),
      "--runInBand",
      "--verbose",
    ],
    { encoding: "utf8", env: { ...process.env, NODE_OPTIONS: "" } },
  );
  expect(status).toBe(1);
  for (const failed of ["rejection", "exception", "event"]) expect(stderr).toMatch(new RegExp(`✕ ${failed}`));
  expect(stderr).toMatch(/✓ none/);
});

test("an unhandled error is logged and counted, and the service keeps running", async () => {
  using folder = temporaryFolder();
  const source = `
    import { createServer } from "node:http";
    import { defineSettings } from "@fleet/base/settings";
    import { runService, serviceSettings } from "@fleet/telemetry";
    void runService({
      name: "victim",
      settings: defineSettings("victim", serviceSettings),
      env: {},
      async start({ registry }) {
        const server = createServer(async (request, response) => {
          if (request.url === "/metrics") return response.end(await registry.metrics());
          if (request.url === "/rejection") void Promise.reject(new Error("a rejection"));
          if (request.url === "/exception") setImmediate(() => { throw new Error("an exception"); });
          response.end("served");
        });
        await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
        process.stdout.write(String(server.address().port) + "\\n");
        const ended = Promise.withResolvers();
        return { health: { ready() {} }, done: ended.promise, stop: () => { server.close(() => ended.resolve()); server.closeAllConnections(); } };
      },
    });`;
  const program = join(folder.path, "victim.mjs");
  buildSync({
    stdin: { contents: source, resolveDir: join(ROOT, "services/proxy/src"), loader: "js" },
    bundle: true,
    platform: "node",
    format: "esm",
    outfile: program,
    logLevel: "error",
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  const victim = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise((resolve) => victim.once("exit", resolve));
  using _end = { [Symbol.dispose]: () => victim.kill("SIGKILL") };
  let [told, log] = ["", ""];
  victim.stdout.on("data", (chunk) => {
    told += chunk;
  });
  victim.stderr.on("data", (chunk) => {
    log += chunk;
  });
  await waitFor(() => told.endsWith("\n"), { what: "the service to listen" });
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${told.trim()}${path}`)).text();
  for (const path of ["/rejection", "/exception", "/"]) expect(await get(path)).toBe("served");
  await waitFor(async () => (await get("/metrics")).includes("victim_unhandled_errors_total 2"), {
    what: "both errors to be counted",
  });
  for (const text of ["a rejection", "an exception"]) expect(log).toContain(text);
  victim.kill("SIGTERM");
  expect(await exited).toBe(0);
});

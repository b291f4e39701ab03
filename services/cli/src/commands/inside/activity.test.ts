import { PassThrough } from "node:stream";
import { FleetError } from "@fleet/base";
import { runCli } from "../../cli.js";
import { startDeployment } from "../../testing/deployment.js";

const HOUR_MS = 3_600_000;

/** A deployment that keeps the holds of one workspace, and the command as it runs inside that. */
async function startWorkspace() {
  const holds = new Map<string, { name: string; created_at: string; expires_at: string }>();
  const durations: number[] = [];
  const deployment = await startDeployment({
    agentSelfHoldList: () => ({ holds: [...holds.values()] }),
    agentSelfHoldSet: ({ body }) => {
      const { name, duration_ms } = body as { name: string; duration_ms: number };
      if (duration_ms > 24 * HOUR_MS) throw new FleetError("invalid_argument", "Holds of at most 1d.");
      durations.push(duration_ms);
      const now = Date.now();
      const times = {
        created_at: new Date(now).toISOString(),
        expires_at: new Date(now + duration_ms).toISOString(),
      };
      holds.set(name, { name, ...times });
      return holds.get(name);
    },
    agentSelfHoldRelease: ({ query }) => {
      const name = query.get("name");
      const released = [...holds.values()].filter((hold) => name === null || hold.name === name);
      for (const hold of released) holds.delete(hold.name);
      return { holds: released };
    },
  });
  return {
    holds,
    durations,
    async run(...args: string[]) {
      const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
      stdin.end();
      const env = { CODER_AGENT_URL: deployment.url, CODER_AGENT_TOKEN: "t", PATH: process.env.PATH };
      const status = await runCli(["activity", ...args], { env, stdin, stdout, stderr });
      return { status, stdout: String(stdout.read() ?? ""), stderr: String(stderr.read() ?? "") };
    },
    [Symbol.asyncDispose]: () => deployment[Symbol.asyncDispose](),
  };
}

test("a hold is declared, listed and released", async () => {
  await using test = await startWorkspace();
  expect(await test.run("list")).toMatchObject({ status: 0, stderr: "No holds.\n" });
  expect(await test.run("hold", "training", "--for", "8h")).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/keeps running for "training" until/),
  });
  expect(test.durations).toEqual([8 * HOUR_MS]);
  expect((await test.run("list")).stdout).toMatch(/training +in 7h/);
  expect(JSON.parse((await test.run("list", "-o", "json")).stdout)).toMatchObject([{ name: "training" }]);
  expect((await test.run("release", "training")).stderr).toBe("Released training.\n");
  expect((await test.run("release", "training")).status).toBe(1);
  expect((await test.run("release")).stderr).toBe("No holds.\n");
});

test("a command is held for as long as it runs, and its outcome is kept", async () => {
  await using test = await startWorkspace();
  expect((await test.run("hold", "tests", "--", "sh", "-c", "exit 7")).status).toBe(7);
  expect(test.durations).toHaveLength(1);
  expect(test.holds.size).toBe(0);
  expect((await test.run("hold", "--", "true")).status).toBe(0);
  expect((await test.run("hold", "--", "/no/such/program")).stderr).toMatch(
    /Could not run \/no\/such\/program/,
  );
  expect(test.holds.size).toBe(0);
});

test("what makes no sense is refused, with what to write", async () => {
  await using test = await startWorkspace();
  expect((await test.run("hold", "training")).stderr).toMatch(/Pass a name and --for/);
  expect((await test.run("hold", "--for", "1h")).stderr).toMatch(/Pass a name and --for/);
  expect((await test.run("hold", "x", "--for", "1h", "--", "true")).stderr).toMatch(/cannot be combined/);
  expect((await test.run("hold", "x", "--for", "2d")).stderr).toMatch(/at most 1d/);
  expect(test.holds.size).toBe(0);
});

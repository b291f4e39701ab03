import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { WorkspaceBuild } from "@fleet/sdk";
import { engineForTests, waitFor } from "@fleet/testkit";
import { Redis } from "ioredis";
import { type Fleet, startFleet } from "./harness/fleet.js";
import { hang } from "./harness/hang.js";
import { succeed, workspaceOf } from "./harness/workspace.js";

/** Terraform writes the state after each resource, OpenTofu every 20 s and when it is interrupted (docs/engines.md). */
const WRITES_AT_ONCE = basename(engineForTests() ?? "terraform") !== "tofu";

/** A fleet with the template, and the ledger that its builds write. */
async function startSlowFleet(env: Record<string, string> = {}, template = "slow") {
  const fleet = await startFleet({ env });
  const ledger = join(fleet.configDir, "ledger");
  await succeed(fleet, [
    "templates",
    "push",
    template,
    "--directory",
    resolve(import.meta.dirname, "templates", template),
    "--variable",
    `ledger=${ledger}`,
    "--yes",
  ]);
  const entries = () => (existsSync(ledger) ? readFileSync(ledger, "utf8").trim().split("\n") : []);
  return { ...fleet, entries };
}

/** Requests a workspace without waiting for it. */
async function request(fleet: Fleet, name: string, seconds?: number): Promise<WorkspaceBuild> {
  const [template] = await fleet.client.templateList();
  const workspace = await fleet.client.workspaceCreate({
    params: { user: "me" },
    body: {
      name,
      template_id: template!.id,
      rich_parameter_values: seconds === undefined ? [] : [{ name: "seconds", value: String(seconds) }],
    },
  });
  return workspace.latest_build;
}

async function buildEnded(fleet: Fleet, name: string, timeoutMs = 90_000): Promise<WorkspaceBuild> {
  return waitFor(
    async () => {
      const { latest_build } = await workspaceOf(fleet, name);
      if (latest_build.job.completed_at) return latest_build;
      throw new Error(`the build is ${latest_build.status}`);
    },
    { what: `the build of ${name} to end`, timeoutMs },
  );
}

const began = (fleet: { entries(): string[] }, name: string) => () =>
  fleet.entries().includes(`began ${name}`);

test("kill -9 of every provisionerd during a build: the build fails with a reason, its state is kept, a retry works", async () => {
  await using fleet = await startSlowFleet({ CODER_JOB_LOST_AFTER: "20s" });
  const { id } = await request(fleet, "killed", 20);
  await waitFor(began(fleet, "killed"), { what: "the build to be in its apply", timeoutMs: 30_000 });
  if (WRITES_AT_ONCE) {
    await waitFor(async () => (await stateOf(fleet, id)).includes("terraform_data"), {
      what: "the first checkpoint of its state",
    });
  }
  await fleet.kill("provisionerd");

  const build = await buildEnded(fleet, "killed");
  expect(build.status).toBe("failed");
  expect(build.job.error).toMatch(/provisioner/i);
  // The next provisioner found what it had reached, and did not wait for it to be given up.
  expect(build.job.error).toMatch(/was killed/);
  // Nothing of the dead run continues: its ledger entry is never written.
  expect(fleet.entries()).toEqual(["began killed"]);
  if (WRITES_AT_ONCE) expect(await stateOf(fleet, build.id)).toContain("terraform_data");

  await succeed(fleet, ["start", "killed", "--yes", "--parameter", "seconds=0"]);
  expect((await workspaceOf(fleet, "killed")).latest_build.status).toBe("running");
  expect(fleet.entries().filter((entry) => entry === "ended killed")).toHaveLength(1);
});

test("a state is edited by hand, and restored", async () => {
  await using fleet = await startSlowFleet();
  await request(fleet, "edited", 0);
  await buildEnded(fleet, "edited");
  const state = async (...args: string[]) => (await succeed(fleet, ["state", ...args])).trim().split("\n");
  const all = await state("list", "edited");
  expect(all).toEqual(expect.arrayContaining(["terraform_data.kept", "terraform_data.slow[0]"]));
  expect(JSON.parse((await state("show", "edited", "terraform_data.kept")).join("\n"))).toHaveProperty("id");

  await state("rm", "edited", "terraform_data.slow", "--yes");
  expect(await state("list", "edited")).toEqual(
    all.filter((address) => address !== "terraform_data.slow[0]"),
  );
  const history = JSON.parse((await state("history", "edited", "-o", "json")).join("\n"));
  expect(history).toMatchObject([
    { build_number: 1, version: 2, origin: "push", author_name: "owner", current: true },
    { build_number: 1, version: 1, origin: "build", current: false },
  ]);
  const pulled = JSON.parse((await state("pull", "edited", "--version", "1.1")).join("\n"));
  expect(pulled.resources).toHaveLength(all.length);

  await state("restore", "edited", "--yes");
  expect(await state("list", "edited")).toEqual(all);
  // The next build destroys what the state has, and nothing else.
  await succeed(fleet, ["stop", "edited", "--yes"]);
  expect(await state("list", "edited")).toContain("terraform_data.kept");
});

test("kill -9 of every provisionerd while it plans: the build goes on elsewhere, and applies once", async () => {
  await using fleet = await startSlowFleet({ CODER_JOB_LOST_AFTER: "15s" }, "slow-plan");
  const { id } = await request(fleet, "planned");
  const stages = async () =>
    (await fleet.client.workspaceBuildLogs({ params: { build: id } })).map(({ stage }) => stage);
  await waitFor(async () => (await stages()).includes("Planning infrastructure"), {
    what: "the build to be planned",
    timeoutMs: 30_000,
  });
  await fleet.kill("provisionerd");
  expect(fleet.entries()).toEqual([]);

  expect(await buildEnded(fleet, "planned")).toMatchObject({ id, status: "running" });
  expect(fleet.entries()).toEqual(["began planned", "ended planned"]);
  expect(await stages()).toContain("Retrying");
});

test.each([
  ["plans", "slow-plan", undefined, "running"],
  ["applies", "slow", 20, "failed"],
] as const)(
  "every provisionerd is told to shut down at once while it %s: the build is then right",
  async (_, template, seconds, status) => {
    await using fleet = await startSlowFleet({}, template);
    const { id } = await request(fleet, "leaving", seconds);
    const stages = async () =>
      (await fleet.client.workspaceBuildLogs({ params: { build: id } })).map(({ stage }) => stage);
    await waitFor(
      async () =>
        seconds === undefined
          ? (await stages()).includes("Planning infrastructure")
          : began(fleet, "leaving")(),
      { what: "the build to be under way", timeoutMs: 30_000 },
    );
    for (const pid of fleet.pids("provisionerd")) process.kill(pid, "SIGINT");

    expect(await buildEnded(fleet, "leaving")).toMatchObject({ id, status });
    if (seconds === undefined) {
      expect(fleet.entries()).toEqual(["began leaving", "ended leaving"]);
      expect(await stages()).toContain("Retrying");
    } else expect(fleet.entries()).toEqual(["began leaving"]);
  },
);

test("kill -9 of every provisionerd before its result is stored: the next one delivers it", async () => {
  await using fleet = await startSlowFleet();
  const { id } = await request(fleet, "applied", 3);
  await waitFor(began(fleet, "applied"), { what: "the build to run", timeoutMs: 30_000 });
  {
    using _ = hang(fleet.pids("coderd"));
    await waitFor(() => journalOf(fleet).some((name) => name.endsWith(".complete")), {
      what: "the result to be written down",
      timeoutMs: 30_000,
    });
    for (const pid of fleet.pids("provisionerd")) process.kill(pid, "SIGKILL");
  }

  expect(await buildEnded(fleet, "applied")).toMatchObject({ id, status: "running" });
  expect(fleet.entries()).toEqual(["began applied", "ended applied"]);
  expect(await stateOf(fleet, id)).toContain("terraform_data");
  await waitFor(() => journalOf(fleet).length === 0, { what: "the journal to be empty" });
});

test("FLUSHALL of Redis with pending and running jobs: no job is lost or runs twice", async () => {
  await using fleet = await startSlowFleet({ CODER_PROVISIONER_DAEMONS: "1", CODER_PROVISIONER_SLOTS: "1" });
  await request(fleet, "running", 6);
  await waitFor(began(fleet, "running"), { what: "the first build to run", timeoutMs: 30_000 });
  await request(fleet, "waiting", 0);
  await using redis = await redisOf(fleet);
  await redis.client.flushall();

  for (const name of ["running", "waiting"]) {
    expect((await buildEnded(fleet, name)).status).toBe("running");
    expect(fleet.entries().filter((entry) => entry === `began ${name}`)).toHaveLength(1);
  }
});

test("kill -9 of coderd right after a build request: the job still runs", async () => {
  await using fleet = await startSlowFleet();
  const asked = request(fleet, "orphan", 0);
  await asked;
  await fleet.kill("coderd");
  expect((await buildEnded(fleet, "orphan")).status).toBe("running");
  expect(fleet.entries().filter((entry) => entry === "began orphan")).toHaveLength(1);
});

test("kill -9 of coderd right after a restart request: the workspace stops and starts with its values", async () => {
  await using fleet = await startSlowFleet();
  await request(fleet, "again", 0);
  const { workspace_id } = await buildEnded(fleet, "again");
  const stop = await fleet.client.workspaceBuildCreate({
    params: { workspace: workspace_id },
    body: {
      transition: "start",
      restart: true,
      rich_parameter_values: [{ name: "seconds", value: "1" }],
    },
  });
  expect(stop).toMatchObject({ transition: "stop", next_build: { status: "waiting" } });
  await fleet.kill("coderd");

  const begun = await waitFor(
    async () => {
      const { latest_build } = await workspaceOf(fleet, "again");
      if (latest_build.transition === "start" && latest_build.job.completed_at) return latest_build;
      throw new Error(`the ${latest_build.transition} is ${latest_build.status}`);
    },
    { what: "the start after the stop", timeoutMs: 60_000 },
  );
  expect(begun).toMatchObject({ status: "running", build_number: 3 });
  expect(await fleet.client.workspaceBuildParameters({ params: { build: begun.id } })).toEqual([
    { name: "seconds", value: "1" },
  ]);
  expect(fleet.entries().filter((entry) => entry === "began again")).toHaveLength(2);
});

test("a restart of Postgres during a build: the build succeeds, and the API answers again", async () => {
  await using fleet = await startSlowFleet();
  await request(fleet, "steady", 8);
  await waitFor(began(fleet, "steady"), { what: "the build to run", timeoutMs: 30_000 });
  for (const pid of fleet.postgresPids()) process.kill(pid, "SIGKILL");

  await waitFor(() => workspaceOf(fleet, "steady"), { what: "the API to answer again", timeoutMs: 30_000 });
  const build = await buildEnded(fleet, "steady");
  expect(build.status).toBe("running");
  expect(fleet.entries()).toEqual(["began steady", "ended steady"]);
});

test("a running and a pending build can be canceled", async () => {
  await using fleet = await startSlowFleet({ CODER_PROVISIONER_DAEMONS: "1", CODER_PROVISIONER_SLOTS: "1" });
  const running = await request(fleet, "running", 60);
  await waitFor(began(fleet, "running"), { what: "the first build to run", timeoutMs: 30_000 });
  const waiting = await request(fleet, "waiting", 0);
  for (const build of [waiting, running])
    await fleet.client.workspaceBuildCancel({ params: { build: build.id } });
  for (const name of ["waiting", "running"]) expect((await buildEnded(fleet, name)).status).toBe("canceled");
  expect(fleet.entries()).toEqual(["began running"]);
});

async function stateOf(fleet: Fleet, build: string): Promise<string> {
  return (await fleet.client.workspaceBuildState({ params: { build } })).text();
}

/** The files in which provisioners note what their builds have reached. */
function journalOf(fleet: Fleet): string[] {
  return readdirSync(fleet.env.CODER_CACHE_DIRECTORY!, { recursive: true, encoding: "utf8" }).filter((path) =>
    /journal\/[^/]+$/.test(path),
  );
}

/** A client of the fleet's own Redis; its secret is read from the supervisor's folder. */
async function redisOf(fleet: Fleet) {
  const password = readFileSync(join(fleet.configDir, "server/redis-password"), "utf8").trim();
  const client = new Redis({ port: fleet.redisPort(), host: "127.0.0.1", password });
  return { client, [Symbol.asyncDispose]: async () => client.disconnect() };
}

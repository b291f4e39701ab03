import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { WorkspaceBuild } from "@fleet/sdk";
import { waitFor } from "@fleet/testkit";
import { commandOf, EXECUTABLE, environmentOf, type Fleet, startFleet } from "./harness/fleet.js";
import { succeed, workspaceOf } from "./harness/workspace.js";

// `coder provisioner start` from the single executable, for deployments that have no provisioner daemons of their own.

const TEMPLATE = resolve(import.meta.dirname, "templates/slow");
const organization = "default";

type Daemon = AsyncDisposable & {
  readonly pid: number;
  /** What it has logged. */
  log(): string;
  signal(signal: NodeJS.Signals): void;
  /** Its exit status, once it has ended. */
  readonly exited: Promise<number | null>;
};

/** Starts a daemon as on another machine: with its own home, and nothing of the fleet but what is given. */
async function startDaemon(args: readonly string[], env: Record<string, string> = {}): Promise<Daemon> {
  const home = await mkdtemp(join(tmpdir(), "fleet-external-"));
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("CODER_") || name.startsWith("CODER_TERRAFORM"),
  );
  const child: ChildProcess = spawn(EXECUTABLE, ["provisioner", "start", ...args], {
    env: {
      ...Object.fromEntries(own),
      HOME: home,
      CODER_CONFIG_DIR: join(home, "config"),
      // The template writes to the test's folder.
      CODER_PROVISIONER_ISOLATION: "none",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (chunk) => (log += chunk));
  const exited = new Promise<number | null>((done) => child.once("exit", done));
  return {
    pid: child.pid!,
    log: () => log,
    signal: (signal) => void child.kill(signal),
    exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function registered(daemon: Daemon): Promise<void> {
  await waitFor(() => daemon.log().includes("Registered with coderd"), {
    what: "the daemon to be registered",
    timeoutMs: 60_000,
  }).catch((error) => {
    throw new Error(`The daemon is not registered:\n${daemon.log()}`, { cause: error });
  });
}

/** A fleet without daemons, and a key for external ones. */
async function startEmptyFleet(env: Record<string, string> = {}) {
  const fleet = await startFleet({ env: { CODER_PROVISIONER_DAEMONS: "0", ...env } });
  const key = (await succeed(fleet, ["provisioner", "keys", "create", "edge"])).trim();
  const ledger = join(fleet.configDir, "ledger");
  const entries = () => (existsSync(ledger) ? readFileSync(ledger, "utf8").trim().split("\n") : []);
  const push = () =>
    succeed(fleet, ["templates", "push", "slow", "-d", TEMPLATE, "--variable", `ledger=${ledger}`, "--yes"]);
  return { ...fleet, key, entries, push };
}

/** Requests a workspace without waiting for it. */
async function request(fleet: Fleet, name: string, seconds: number): Promise<void> {
  const template = await fleet.client.templateGetByName({ params: { organization, templateName: "slow" } });
  await fleet.client.workspaceCreate({
    params: { user: "me" },
    body: {
      name,
      template_id: template.id,
      rich_parameter_values: [{ name: "seconds", value: String(seconds) }],
    },
  });
}

async function buildEnded(fleet: Fleet, name: string): Promise<WorkspaceBuild> {
  return waitFor(
    async () => {
      const { latest_build } = await workspaceOf(fleet, name);
      if (latest_build.job.completed_at) return latest_build;
      throw new Error(`the build is ${latest_build.status}`);
    },
    { what: `the build of ${name} to end`, timeoutMs: 90_000 },
  );
}

test("an external daemon imports and builds through the front door; coderd and the proxy are killed in mid-build, and the build runs once", async () => {
  await using fleet = await startEmptyFleet();
  await using daemon = await startDaemon(["--key", fleet.key, "--name", "laptop"], { CODER_URL: fleet.url });
  await registered(daemon);
  // A template's commands run as the daemon's user: they must not find its key.
  expect(commandOf(daemon.pid)).toMatch(/provisionerd\0$/);
  expect(JSON.stringify(environmentOf(daemon.pid))).not.toContain(fleet.key);
  await fleet.push();
  await request(fleet, "steady", 12);
  await waitFor(() => fleet.entries().includes("began steady"), {
    what: "the build to run",
    timeoutMs: 60_000,
  });
  await fleet.kill("coderd");
  await fleet.kill("proxy");

  expect(await buildEnded(fleet, "steady")).toMatchObject({
    status: "running",
    job: { status: "succeeded" },
  });
  expect(fleet.entries()).toEqual(["began steady", "ended steady"]);
  const listed = JSON.parse(await succeed(fleet, ["provisioner", "list", "-o", "json"]));
  expect(listed).toMatchObject([{ name: "laptop", key_name: "edge", status: "idle" }]);

  // SIGTERM waits for the running build, and takes no other.
  await request(fleet, "last", 5);
  await waitFor(() => fleet.entries().includes("began last"), {
    what: "the last build to run",
    timeoutMs: 60_000,
  });
  daemon.signal("SIGTERM");
  await waitFor(
    async () =>
      JSON.parse(await succeed(fleet, ["provisioner", "list", "--show-offline", "-o", "json"])).length > 0,
    { what: "the daemon to be listed" },
  );
  expect(await daemon.exited).toBe(0);
  expect((await buildEnded(fleet, "last")).status).toBe("running");
  expect(fleet.entries().slice(-2)).toEqual(["began last", "ended last"]);
  const after = JSON.parse(await succeed(fleet, ["provisioner", "list", "--show-offline", "-o", "json"]));
  expect(after).toMatchObject([{ name: "laptop", status: "offline" }]);

  // The session of a user is enough, and a second signal cancels what runs.
  await using own = await startDaemon(["--url", fleet.url, "--token", fleet.token, "--name", "mine"]);
  await registered(own);
  await request(fleet, "canceled", 60);
  await waitFor(() => fleet.entries().includes("began canceled"), {
    what: "the build to run",
    timeoutMs: 60_000,
  });
  own.signal("SIGTERM");
  await waitFor(() => own.log().includes("stopping"), { what: "the first signal to be heard" });
  own.signal("SIGTERM");
  expect(await own.exited).toBe(0);
  expect((await buildEnded(fleet, "canceled")).status).toMatch(/failed|canceled/);
  expect(fleet.entries().at(-1)).toBe("began canceled");
}, 240_000);

test("a daemon that is refused says why and exits; one whose key is deleted loses its session and its job", async () => {
  await using fleet = await startEmptyFleet({ CODER_JOB_LOST_AFTER: "20s" });
  const url = { CODER_URL: fleet.url };
  const refused: [string[], Record<string, string>, RegExp][] = [
    [["--key", "wrong"], url, /key is invalid or was deleted/],
    [["--psk", "wrong"], url, /key is invalid or was deleted/],
    [["--key", fleet.key, "--org", "nowhere"], url, /Organization "nowhere" not found/],
    [["--key", fleet.key, "--tag", "region=eu"], url, /key has its own tags/],
    [["--key", fleet.key, "--psk", "both"], url, /either --key or --psk/],
    [["--token", "wrong"], url, /Sign in again|session/],
    [["--key", fleet.key], {}, /Not signed in to any deployment/],
  ];
  for (const [args, env, reason] of refused) {
    await using daemon = await startDaemon(args, env);
    expect([args, await daemon.exited]).toEqual([args, 1]);
    expect(daemon.log()).toMatch(reason);
  }

  await using daemon = await startDaemon([], { ...url, CODER_PROVISIONER_DAEMON_KEY: fleet.key });
  await registered(daemon);
  await fleet.push();
  await request(fleet, "orphan", 120);
  await waitFor(() => fleet.entries().includes("began orphan"), {
    what: "the build to run",
    timeoutMs: 60_000,
  });
  const deletedAt = performance.now();
  await succeed(fleet, ["provisioner", "keys", "delete", "edge", "--yes"]);
  await waitFor(
    async () => JSON.parse(await succeed(fleet, ["provisioner", "list", "-o", "json"])).length === 0,
    { what: "the daemon to be offline" },
  );
  expect(performance.now() - deletedAt).toBeLessThan(5_000);
  await waitFor(() => daemon.log().includes("key is invalid or was deleted"), {
    what: "the daemon to say why",
  });
  const build = await buildEnded(fleet, "orphan");
  expect(build.job.error).toMatch(/provisioner running this job stopped responding/);
  expect(fleet.entries()).toEqual(["began orphan"]);
}, 240_000);

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createCloser } from "@fleet/base";
import { Transition } from "@fleet/proto-gen/provisioner";
import { echoTemplate, packFiles } from "@fleet/provisionersdk";
import { createTestRedis, engineForTests, waitFor } from "@fleet/testkit";
import { build } from "esbuild";
import { createTestCoderd, outputOf } from "./testing/coderd.js";

// Runs the bundled process and kills it at critical moments.

const LIMIT_MS = 20_000;
let bundle: string;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "fleet-main-"));
  bundle = join(folder, "provisionerd.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "main.ts")],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    banner: {
      js: 'import { createRequire as requireFor } from "node:module"; const require = requireFor(import.meta.url);',
    },
    logLevel: "error",
  });
});

afterAll(() => rm(join(bundle, ".."), { recursive: true, force: true }));

async function createFleet() {
  const closer = createCloser();
  const redis = await createTestRedis();
  closer.add(async () => redis[Symbol.asyncDispose]());
  const coderd = await createTestCoderd({ redisUrl: redis.url, prefix: redis.prefix, psk: "right" });
  closer.add(async () => coderd[Symbol.asyncDispose]());
  const cache = await mkdtemp(join(tmpdir(), "fleet-cache-"));
  closer.add(() => rm(cache, { recursive: true, force: true, maxRetries: 5 }));

  function start(env: Record<string, string> = {}): ChildProcess {
    const child = spawn(process.execPath, [bundle], {
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        PATH: process.env.PATH,
        CODER_PROVISIONERD_CODERD_ADDRESS: coderd.address,
        CODER_REDIS_URL: redis.url,
        CODER_REDIS_PREFIX: redis.prefix,
        CODER_PROVISIONER_DAEMON_PSK: "right",
        CODER_PROVISIONER_TYPES: "terraform,echo",
        CODER_CACHE_DIRECTORY: cache,
        CODER_TERRAFORM_PATH: engineForTests(),
        ...env,
      },
    });
    closer.add(() => void child.kill("SIGKILL"));
    return child;
  }

  async function push(provisioner: "terraform" | "echo", bytes: Uint8Array) {
    const value = { metadata: { transition: Transition.START } };
    return coderd.push({
      provisioner,
      source: coderd.upload(bytes),
      type: { case: "workspaceBuild", value },
    });
  }
  return { coderd, cache, start, push, [Symbol.asyncDispose]: () => closer.close() };
}

/** Processes whose command line contains the text, or whose working folder does. */
function processesWith(text: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      if (!/^\d+$/.test(pid)) return false;
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      return line.includes(text) || readlinkSync(`/proc/${pid}/cwd`).startsWith(text);
    } catch {
      return false;
    }
  });
}

test.each(["none", "auto"])(
  "kill -9 during a build kills terraform and its commands, and the next start cleans up: isolation %s",
  async (isolation) => {
    await using fleet = await createFleet();
    const mark = `mark-${process.pid}-${isolation}`;
    const daemon = fleet.start({ CODER_PROVISIONER_ISOLATION: isolation });
    const job = await fleet.push(
      "terraform",
      await packFiles({
        "main.tf": `terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
resource "terraform_data" "x" {
  provisioner "local-exec" {
    command = "echo begun; trap '' TERM HUP; sleep 600; sleep 600 # ${mark}"
  }
}`,
      }),
    );
    await waitFor(() => outputOf(job).find((output) => output.endsWith(": begun")), {
      what: "the command to run",
      timeoutMs: LIMIT_MS,
    });
    const running = () => processesWith(mark).length + processesWith(join(fleet.cache, "work")).length;
    expect(processesWith(mark).length).toBeGreaterThan(0);
    daemon.kill("SIGKILL");
    await once(daemon, "exit");
    await waitFor(() => running() === 0, { what: "terraform and its command to die" });

    const left = await readdir(join(fleet.cache, "work"));
    expect(left).toHaveLength(1);
    fleet.start();
    await waitFor(async () => !(await readdir(join(fleet.cache, "work"))).includes(left[0]!), {
      what: "the sweep",
    });
  },
);

test("a template's commands get the environment without the daemon's keys and store URLs", async () => {
  await using fleet = await createFleet();
  const daemon = fleet.start({
    // Even where nothing else protects them.
    CODER_PROVISIONER_ISOLATION: "none",
    CODER_ANYTHING: "s3cret",
    OTEL_EXPORTER_OTLP_HEADERS: "key=s3cret",
    REDISCLI_AUTH: "s3cret",
    PGPASSWORD: "s3cret",
    POSTGRES_PASSWORD: "s3cret",
    NODE_NO_WARNINGS: "1",
    CLOUD_CREDENTIAL: "theirs",
  });
  const job = await fleet.push(
    "terraform",
    await packFiles({
      "main.tf": `resource "terraform_data" "x" {
  provisioner "local-exec" {
    command = "env; echo of the daemon; tr '\\\\0' '\\\\n' < /proc/${daemon.pid}/environ"
  }
}`,
    }),
  );
  await waitFor(() => job.completed, { what: "the job", timeoutMs: LIMIT_MS });
  const [own = "", ofDaemon = ""] = outputOf(job).join("\n").split("local-exec): of the daemon");
  expect(own).toContain("CLOUD_CREDENTIAL=theirs");
  expect(own).not.toMatch(/s3cret|NODE_|CODER_PROVISIONER|redis:/);
  expect(ofDaemon).toContain("CLOUD_CREDENTIAL=theirs");
  expect(ofDaemon).not.toMatch(/s3cret|=right|redis:/);
});

test("SIGTERM lets the running job finish, then the daemon exits", async () => {
  await using fleet = await createFleet();
  const daemon = fleet.start();
  const job = await fleet.push(
    "echo",
    await echoTemplate({ apply: { logs: [{ output: "running" }], delayMs: 700 } }),
  );
  await waitFor(() => outputOf(job).includes("running"), { what: "the job to run", timeoutMs: LIMIT_MS });
  daemon.kill("SIGTERM");
  const [status] = await once(daemon, "exit");
  expect(status).toBe(0);
  expect(job.completed).toBeDefined();
});

test("SIGINT cancels the running job, which is reported before the daemon exits", async () => {
  await using fleet = await createFleet();
  const daemon = fleet.start();
  const job = await fleet.push(
    "echo",
    await echoTemplate({ apply: { logs: [{ output: "running" }], waitForStop: "graceful" } }),
  );
  await waitFor(() => outputOf(job).includes("running"), { what: "the job to run", timeoutMs: LIMIT_MS });
  daemon.kill("SIGINT");
  await once(daemon, "exit");
  expect(job.failed).toMatchObject({
    canceled: true,
    error: expect.stringContaining("provisioner shut down"),
  });
});

test("an outdated engine is used with a warning in the log and in the health report", async () => {
  await using fleet = await createFleet();
  const program = join(fleet.cache, "old-terraform");
  await writeFile(program, "#!/bin/sh\necho 'Terraform v1.11.4'\n", { mode: 0o755 });
  const daemon = fleet.start({ CODER_TERRAFORM_PATH: program });
  const told = await waitFor(() => fleet.coderd.registrations[0]?.warnings[0], {
    what: "the warning of a registration",
    timeoutMs: LIMIT_MS,
  });
  const sentence = `${program} is Terraform 1.11.4, but templates need 1.14.0 or later.`;
  expect(told).toMatchObject({ code: "EPD06", message: expect.stringContaining(sentence) });
  daemon.kill("SIGTERM");
  expect(await text(daemon.stderr!)).toContain(sentence);
});

test.each([
  ["a setting that is wrong", { CODER_PROVISIONER_SLOTS: "many" }, "CODER_PROVISIONER_SLOTS"],
  ["a wrong key", { CODER_PROVISIONER_DAEMON_PSK: "wrong" }, "The pre-shared key is wrong."],
  [
    "a terraform that is none",
    { CODER_TERRAFORM_PATH: "/bin/false" },
    "Could not run /bin/false (CODER_TERRAFORM_PATH) as Terraform or OpenTofu",
  ],
  [
    "a CLI configuration that is not there",
    { CODER_TERRAFORM_CLI_CONFIG: "/nowhere/terraformrc" },
    "the file /nowhere/terraformrc cannot be read",
  ],
])("%s ends the process with a message", async (_what, env, sentence) => {
  await using fleet = await createFleet();
  const daemon = fleet.start(env as unknown as Record<string, string>);
  const [status, stderr] = await Promise.all([once(daemon, "exit"), text(daemon.stderr!)]);
  expect(status[0]).toBe(1);
  expect(stderr).toContain(sentence);
});

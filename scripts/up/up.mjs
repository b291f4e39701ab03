// `make up`: runs `coder server`, creates the first user, pushes the template `local` and creates the workspace `demo`.
// Anything that already exists is left unchanged.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createWriteStream, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join, relative } from "node:path";
import { createInterface } from "node:readline";
import {
  CODER,
  CONFIG_DIR,
  LOG_FILE,
  PID_FILE,
  ROOT,
  runningPid,
  startOf,
  WORKSPACES_DIR,
} from "./places.mjs";

const started = performance.now();
const address = process.env.CODER_HTTP_ADDRESS ?? "127.0.0.1:3000";
const url =
  process.env.CODER_ACCESS_URL ?? `http://${address.replace(/^(0\.0\.0\.0|\[::\]|):/, "127.0.0.1:")}`;
const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`.padStart(7);
const say = (text) => console.log(`${seconds()}  ${text}`);

let server;
let stopping = false;

/** Runs the CLI as the user would. Its own output is shown where it prompts or reports progress. */
function coder(args, { quiet = false, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CODER, ...args], {
      stdio: ["ignore", quiet ? "pipe" : "inherit", quiet ? "pipe" : "inherit"],
      env: { ...process.env, CODER_CONFIG_DIR: CONFIG_DIR, ...env },
    });
    let output = "";
    child.stdout?.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr?.on("data", (chunk) => {
      output += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`coder ${args.join(" ")} failed${output ? `:\n${output.trim()}` : "."}`));
    });
  });
}

/** Starts the server; resolves when it reports that it is ready. Logs every line, and prints the server's own. */
function startServer() {
  mkdirSync(dirname(LOG_FILE), { recursive: true, mode: 0o700 });
  const log = createWriteStream(LOG_FILE, { flags: "a", mode: 0o600 });
  // Runs in its own session: Ctrl-C reaches only this process, which then stops the fleet in order.
  server = spawn(process.execPath, [CODER, "server"], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, CODER_CONFIG_DIR: CONFIG_DIR, CODER_HTTP_ADDRESS: address },
  });
  const last = [];
  return new Promise((resolve, reject) => {
    const onLine = (line) => {
      log.write(`${line}\n`);
      last.push(line);
      if (last.length > 20) last.shift();
      if (/^\[(server|stores)\]/.test(line)) say(line);
      if (line.includes("Coder is ready")) resolve();
    };
    createInterface({ input: server.stdout }).on("line", onLine);
    createInterface({ input: server.stderr }).on("line", onLine);
    server.once("exit", (code, signal) => {
      rmSync(PID_FILE, { force: true });
      if (stopping) process.exit(code ?? 0);
      reject(new Error(`The server exited (${signal ?? code}).\n${last.join("\n")}`));
    });
  });
}

function stop(signal) {
  stopping = true;
  if (server && server.exitCode === null) server.kill(signal);
  else process.exit(0);
}

async function signIn() {
  const first = await fetch(`${url}/api/v2/users/first`);
  if (first.status !== 404) {
    const known = await coder(["whoami"], { quiet: true }).catch(() => undefined);
    if (!known) {
      say(`The deployment already has users. Sign in with:  ${shown()} login ${url}`);
      return undefined;
    }
    return undefined;
  }
  const email = process.env.CODER_FIRST_USER_EMAIL ?? "admin@example.com";
  const username = process.env.CODER_FIRST_USER_USERNAME ?? "admin";
  const generated = process.env.CODER_FIRST_USER_PASSWORD ? undefined : randomBytes(12).toString("base64url");
  await coder(["login", url], {
    quiet: true,
    env: {
      CODER_FIRST_USER_EMAIL: email,
      CODER_FIRST_USER_USERNAME: username,
      CODER_FIRST_USER_PASSWORD: process.env.CODER_FIRST_USER_PASSWORD ?? generated,
    },
  });
  say(`Created the first user: ${email}`);
  return generated ? { email, password: generated } : undefined;
}

async function api(path) {
  const token = (await coder(["login", "token"], { quiet: true })).trim();
  const response = await fetch(`${url}/api/v2${path}`, { headers: { "Coder-Session-Token": token } });
  if (response.status === 404) return undefined;
  if (!response.ok)
    throw new Error(`GET ${path} failed with status ${response.status}: ${await response.text()}`);
  return response.json();
}

async function ensureTemplate() {
  if (await api("/organizations/default/templates/local")) return say("Template local already exists");
  say("Pushing the template local");
  const args = ["templates", "push", "local", "--directory", join(ROOT, "dist/templates/local"), "--yes"];
  await coder([...args, "--variable", `data_dir=${WORKSPACES_DIR}`]);
}

async function ensureWorkspace() {
  const workspace = await api("/users/me/workspace/demo");
  if (!workspace) {
    say("Creating the workspace demo");
    await coder(["create", "demo", "--template", "local", "--parameter", `port=${await appPort()}`, "--yes"]);
  } else if (workspace.latest_build.transition !== "start" || workspace.latest_build.status !== "running") {
    say("Starting the workspace demo");
    await coder(["start", "demo", "--yes"]);
  } else say("Workspace demo is running");
}

/** The sample app's port: the template's default, or any free port if that one is taken. */
async function appPort() {
  for (const port of [13337, 0]) {
    const server = createServer();
    const bound = await new Promise((resolve) => {
      server.once("error", () => resolve(undefined));
      server.listen(port, "127.0.0.1", () => resolve(server.address().port));
    });
    server.close();
    if (bound) return bound;
  }
  throw new Error("No free port found for the sample app.");
}

/** How long an agent that was connected before may take to come back, in milliseconds. */
const RECONNECT_MS = 15_000;

/**
 * The workspace's agent, once it has run its start scripts. A failed script leaves the workspace up for inspection. An
 * agent that does not come back was a process of before this machine's restart: then the workspace is restarted, once.
 */
async function waitForAgent() {
  say("Waiting for the agent of demo to connect");
  let restartAt = performance.now() + RECONNECT_MS;
  for (;;) {
    const workspace = await api("/users/me/workspace/demo");
    const agent = workspace?.latest_build.resources.flatMap((resource) => resource.agents ?? [])[0];
    if (agent?.status === "connected" && agent.lifecycle_state === "ready") return { workspace, agent };
    if (agent?.status === "connected" && agent.lifecycle_state === "start_error") {
      say(`A start script of demo failed. See \`${shown()} logs demo\`.`);
      return { workspace, agent };
    }
    if (agent?.status === "disconnected" && performance.now() > restartAt) {
      say("The agent of demo does not reconnect. Restarting the workspace");
      await coder(["restart", "demo", "--yes"]);
      restartAt = Number.POSITIVE_INFINITY;
    }
    if (agent?.status === "timeout") {
      throw new Error(
        `The agent did not become ready (${agent.status}, ${agent.lifecycle_state}). See \`${shown()} logs demo\`.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

function shown() {
  return relative(process.cwd(), join(ROOT, "dist/bin/coder-linux-amd64")).replace(/^(?=[^.])/, "./");
}

async function main() {
  const running = runningPid();
  if (running)
    throw new Error(
      `The deployment is already running (PID ${running}). Open ${url}, or run \`make down\` to stop it.`,
    );
  process.on("SIGINT", () => stop("SIGINT"));
  process.on("SIGTERM", () => stop("SIGTERM"));
  say(`Data: ${CONFIG_DIR}, logs: ${LOG_FILE}`);
  const ready = startServer();
  writeFileSync(PID_FILE, `${process.pid} ${startOf(process.pid)}\n`);
  await ready;

  const generated = await signIn();
  await ensureTemplate();
  await ensureWorkspace();
  const { workspace, agent } = await waitForAgent();
  say("Ready.");
  const app = agent.apps.find(({ slug }) => slug === "sample");
  const host = app?.subdomain_name
    ? `http://${app.subdomain_name}.${(await api("/applications/host")).host.replace(/^\*\.?/, "")}`
    : url;
  console.log(`
  Dashboard      ${url}
  Shell          ${shown()} ssh demo
  Sample app     ${host}
${generated ? `\n  Sign in as     ${generated.email}\n  Password       ${generated.password}   (shown this once)\n` : ""}
  Workspace ${workspace.owner_name}/${workspace.name} is ${workspace.latest_build.status}. Press Ctrl-C or run \`make down\` to stop.
`);
}

main().catch((error) => {
  console.error(`\nmake up: ${error.message}`);
  if (server && server.exitCode === null) {
    stopping = true;
    server.once("exit", () => process.exit(1));
    server.kill("SIGINT");
  } else process.exit(1);
});

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createCloser } from "@fleet/base";
import { type Client, createClient } from "@fleet/sdk";
import { engineForTests, waitFor } from "@fleet/testkit";
import { reservedPort } from "./port.js";

const ROOT = resolve(import.meta.dirname, "../..");
export const DIST = join(ROOT, "dist");
export const EXECUTABLE = join(DIST, "bin/coder-linux-amd64");

export type Service = "coderd" | "provisionerd" | "proxy";
export type CommandResult = { code: number; stdout: string; stderr: string };

/** A whole fleet of real processes: `coder server`, with its own ports and folders. */
export type Fleet = AsyncDisposable & {
  readonly url: string;
  /** Signed in as the first user, an owner. */
  readonly client: Client;
  readonly email: string;
  readonly password: string;
  readonly token: string;
  readonly configDir: string;
  /** Environment with the URL and session of the signed-in CLI. */
  readonly env: Record<string, string>;
  /** Runs the single executable as a user would. */
  coder(
    args: readonly string[],
    options?: { input?: string; env?: Record<string, string> },
  ): Promise<CommandResult>;
  /** Process IDs of a service. */
  pids(service: Service): number[];
  /** Kills every process of the service with SIGKILL; resolves when its replacement responds. */
  kill(service: Service): Promise<void>;
  /** Process ID of the postmaster. */
  postgresPids(): number[];
  /** Process IDs of the built-in Postgres or Redis. */
  storePids(store: "postgres" | "redis"): number[];
  /** Port of the built-in Redis. */
  redisPort(): number;
  /** Settings for another proxy replica. No process exposes its own. */
  proxySettings(): ProxySettings;
  /** The server's output. */
  log(): string;
};

export type ProxySettings = Record<
  "CODER_PROXY_CODERD_URL" | "CODER_PROXY_CODERD_ADDRESS" | "CODER_PROXY_SESSION_TOKEN",
  string
>;

/** Starts the fleet and creates the first user. `await using` stops it and deletes its workspaces and data. */
export async function startFleet(
  options: { env?: Record<string, string>; port?: number } = {},
): Promise<Fleet> {
  if (!existsSync(EXECUTABLE)) throw new Error("dist/ is not built: run `make build`.");
  const closer = createCloser();
  const dir = await mkdtemp(join(tmpdir(), "fleet-e2e-"));
  closer.add(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  const port = options.port ?? (await reservedPort());
  const url = `http://127.0.0.1:${port}`;
  const configDir = join(dir, "config");
  const email = "owner@example.com";
  const password = "Correct-horse-1";
  const engine = engineForTests();
  const env = {
    ...(process.env as Record<string, string>),
    CODER_CONFIG_DIR: configDir,
    CODER_CACHE_DIRECTORY: join(dir, "cache"),
    CODER_HTTP_ADDRESS: `127.0.0.1:${port}`,
    // Tests poll up to a hundred times a second.
    CODER_DANGEROUS_DISABLE_RATE_LIMITS: "true",
    ...(engine && { CODER_TERRAFORM_PATH: engine }),
    ...options.env,
  };
  const lines: string[] = [];
  const server = spawn(process.execPath, [join(DIST, "coder.js"), "server"], {
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [server.stdout, server.stderr])
    stream.on("data", (chunk) => lines.push(String(chunk)));
  // The template `local` detaches its processes; without this, a test's agents would outlive it.
  closer.add(() => endLocalWorkspaces(join(dir, "workspaces")));
  closer.add(() => stopServer(server));

  const probe = async () => (await fetch(`${url}/healthz`)).ok;
  await waitFor(
    () => {
      if (server.exitCode !== null) throw new Error(lines.join(""));
      return lines.join("").includes("Coder is ready") && probe();
    },
    { what: "the fleet to be ready", timeoutMs: 90_000 },
  ).catch((error) => {
    throw new Error(`The fleet did not start:\n${lines.join("")}`, { cause: error });
  });

  const coder: Fleet["coder"] = (args, run = {}) =>
    runCommand(EXECUTABLE, args, { ...env, ...run.env }, run.input);
  const login = await coder(["login", url], {
    env: {
      CODER_FIRST_USER_EMAIL: email,
      CODER_FIRST_USER_USERNAME: "owner",
      CODER_FIRST_USER_PASSWORD: password,
    },
  });
  if (login.code !== 0) throw new Error(`coder login failed: ${login.stderr}`);
  const token = (await coder(["login", "token"])).stdout.trim();
  const pids = (service: Service) =>
    descendants(server.pid!).filter((pid) => commandOf(pid).includes(`dist/${service}.js`));
  const postgresPids = () =>
    descendants(server.pid!).filter((pid) => /bin\/postgres\0-D/.test(commandOf(pid)));

  return {
    url,
    client: createClient({ baseUrl: url, token }),
    email,
    password,
    token,
    configDir,
    env,
    coder,
    pids,
    async kill(service) {
      const before = pids(service);
      for (const pid of before) process.kill(pid, "SIGKILL");
      await waitFor(
        () => pids(service).length === before.length && !pids(service).some((pid) => before.includes(pid)),
        {
          what: `${service} to be started again`,
          timeoutMs: 30_000,
        },
      );
      await waitFor(probe, { what: "the fleet to answer again", timeoutMs: 30_000 });
    },
    postgresPids,
    storePids: (store) =>
      store === "postgres"
        ? postgresPids().flatMap((pid) => [pid, ...descendants(pid)])
        : descendants(server.pid!).filter((pid) => /redis-server [^\0]*:\d+/.test(commandOf(pid))),
    redisPort() {
      const commands = descendants(server.pid!).map(commandOf);
      const port = commands.map((command) => /redis-server [^\0]*:(\d+)/.exec(command)?.[1]).find(Boolean);
      if (!port) throw new Error("No Redis runs below the server.");
      return Number(port);
    },
    proxySettings() {
      const said = [...lines.join("").matchAll(/ {2}http=(\S+) {2}grpc=(\S+)/g)].at(-1);
      if (!said) throw new Error("coderd has not said where it listens.");
      return {
        CODER_PROXY_CODERD_URL: said[1]!,
        CODER_PROXY_CODERD_ADDRESS: said[2]!,
        CODER_PROXY_SESSION_TOKEN: readFileSync(join(configDir, "server/proxy-session-token"), "utf8").trim(),
      };
    },
    log: () => lines.join(""),
    [Symbol.asyncDispose]: () => closer.close(),
  };
}

async function endLocalWorkspaces(folder: string): Promise<void> {
  const script = join(DIST, "templates/local/workspace.sh");
  for (const id of existsSync(folder) ? readdirSync(folder) : []) {
    const env = { ...(process.env as Record<string, string>), DATA_DIR: folder, WORKSPACE_ID: id };
    await runCommand("sh", [script, "delete-home"], env);
  }
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((done) => server.once("exit", done));
  server.kill("SIGTERM");
  const force = setTimeout(() => process.kill(-server.pid!, "SIGKILL"), 30_000);
  await ended;
  clearTimeout(force);
}

export function runCommand(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
  input?: string,
): Promise<CommandResult> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { env, stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.once("error", fail);
    child.once("close", (code) => done({ code: code ?? -1, stdout, stderr }));
    child.stdin.on("error", () => {}); // It may end without reading.
    child.stdin.end(input ?? "");
  });
}

/** All descendants of this process, from /proc. */
export function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = parentOf(Number(entry));
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found: number[] = [];
  for (const queue = [root]; queue.length > 0; ) {
    const below = children.get(queue.pop()!) ?? [];
    found.push(...below);
    queue.push(...below);
  }
  return found;
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}

/** A process's initial environment, without what it hides. */
export function environmentOf(pid: number): Record<string, string> {
  const entries = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean);
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
}

export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import { waitFor } from "@fleet/testkit";
import { reservedPort } from "./port.js";

const SETUP = resolve(import.meta.dirname, "../../scripts/setup/gitea.sh");

/** A running Gitea with one user, who owns a private repository `app`. */
export type Gitea = AsyncDisposable & {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** The clone URL of the repository. */
  readonly repository: string;
  /** Registers an OAuth app. */
  createApp(redirectUri: string): Promise<{ clientId: string; clientSecret: string }>;
  /** The content of a file of the repository's default branch. */
  read(path: string): Promise<string>;
};

/** False where Gitea can neither be found nor built: its module is compiled by Go. */
export function hasGitea(): boolean {
  return spawnSync("bash", [SETUP, "--check"]).status === 0;
}

/** Starts Gitea, built from its Go module if that has not been done yet. */
export async function startGitea(): Promise<Gitea> {
  const program = execFileSync("bash", [SETUP], { encoding: "utf8" }).trim();
  const folder = await mkdtemp(join(tmpdir(), "gitea-"));
  const port = await reservedPort();
  const url = `http://127.0.0.1:${port}`;
  const config = join(folder, "app.ini");
  await mkdir(join(folder, "home"));
  await writeFile(config, settings({ folder, port, url, program }));
  const env = { PATH: process.env.PATH, HOME: join(folder, "home"), GITEA_WORK_DIR: folder };
  const server = spawn(join(program, "gitea"), ["web", "--config", config], { env, stdio: "ignore" });
  const ended = new Promise((done) => server.once("exit", done));
  await waitFor(async () => (await fetch(`${url}/api/healthz`)).ok, {
    what: "Gitea to be ready",
    timeoutMs: 60_000,
  });
  const [username, password] = ["dev", "Devs-pass-1"];
  const create = ["--username", username, "--password", password, "--email", "dev@example.com"];
  const arguments_ = ["--config", config, "admin", "user", "create", ...create];
  execFileSync(join(program, "gitea"), [...arguments_, "--must-change-password=false"], { env });

  async function api(path: string, body?: object): Promise<Response> {
    const response = await fetch(`${url}/api/v1${path}`, {
      method: body ? "POST" : "GET",
      headers: {
        Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`,
        "Content-Type": "application/json",
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`Gitea answered ${response.status}: ${await response.text()}`);
    return response;
  }
  await api("/user/repos", { name: "app", private: true, auto_init: true, default_branch: "main" });

  return {
    url,
    username,
    password,
    repository: `${url}/${username}/app.git`,
    async createApp(redirectUri) {
      const body = { name: "coder", redirect_uris: [redirectUri], confidential_client: true };
      const app = (await (await api("/user/applications/oauth2", body)).json()) as Record<string, string>;
      return { clientId: app.client_id!, clientSecret: app.client_secret! };
    },
    read: async (path) => (await api(`/repos/${username}/app/raw/${path}`)).text(),
    async [Symbol.asyncDispose]() {
      server.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function settings(options: { folder: string; port: number; url: string; program: string }): string {
  const { folder, port, url, program } = options;
  return `RUN_USER = ${userInfo().username}
WORK_PATH = ${folder}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
ROOT_URL = ${url}/
STATIC_ROOT_PATH = ${program}
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = ${join(folder, "gitea.db")}
[security]
INSTALL_LOCK = true
[log]
LEVEL = Error
[session]
PROVIDER = memory
`;
}

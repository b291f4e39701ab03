import { once } from "node:events";
import { chmod, mkdtemp, readdir, rm, statfs } from "node:fs/promises";
import { createServer, request, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createCloser, errorMessage, nullLogger } from "@fleet/base";
import { startPostgres, startRedis } from "@fleet/embedded";

/** Passes the path of the broker's socket to the workers of a test run. */
export const SOCKET_VARIABLE = "FLEET_TESTKIT_SOCKET";

/** The process that owns the folder follows, then something random. */
const FOLDER_PREFIX = "fleet-test-";

export type SharedServer = "postgres" | "redis";

export type Broker = { readonly socketPath: string; close(): Promise<void> };

/**
 * Owns the servers shared by the test files of one run. A server starts when a worker first requests it, so a run
 * that needs none starts none; all stop with `close`, or with this process.
 */
export async function startBroker(): Promise<Broker> {
  const closer = createCloser();
  const base = await quickestFolder();
  await removeLeftovers(base);
  const folder = await mkdtemp(join(base, `${FOLDER_PREFIX}${process.pid}-`));
  // Postgres may run as another user, which needs access through this folder.
  await chmod(folder, 0o755);
  closer.add(() => rm(folder, { recursive: true, force: true }));

  const starters: Record<SharedServer, () => Promise<{ url: string; close(): Promise<void> }>> = {
    postgres: () => startPostgres({ dataDir: join(folder, "pg"), logger: nullLogger, disposable: true }),
    redis: () => startRedis({ dir: join(folder, "redis"), logger: nullLogger }),
  };
  const started = new Map<SharedServer, Promise<string>>();

  async function start(name: SharedServer): Promise<string> {
    const server = await starters[name]();
    closer.add(() => server.close());
    return server.url;
  }

  async function answer(name: SharedServer, response: ServerResponse): Promise<void> {
    if (!started.has(name)) started.set(name, start(name));
    try {
      response.end(await started.get(name));
    } catch (error) {
      response.writeHead(500).end(errorMessage(error));
    }
  }

  const socketPath = join(folder, "broker");
  const http = createServer((incoming, response) => {
    const name = incoming.url?.slice(1) ?? "";
    if (name in starters) void answer(name as SharedServer, response);
    else response.writeHead(404).end();
  });
  http.listen(socketPath);
  await once(http, "listening");
  http.unref();
  closer.add(() => {
    http.closeAllConnections();
    http.close();
  });
  return { socketPath, close: () => closer.close() };
}

/** Removes the folders of runs that were killed before they could. */
async function removeLeftovers(base: string): Promise<void> {
  for (const name of await readdir(base)) {
    const pid = Number(new RegExp(`^${FOLDER_PREFIX}(\\d+)-`).exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid)) await rm(join(base, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** A file system in memory, if it has room for a few hundred databases: cloning one takes 15 ms there, not 180. */
async function quickestFolder(): Promise<string> {
  const MIN_FREE_BYTES = 4 * 1024 ** 3;
  const memory = "/dev/shm";
  const { bavail, bsize } = await statfs(memory).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize >= MIN_FREE_BYTES ? memory : tmpdir();
}

const urls = new Map<SharedServer, Promise<string>>();

/** The URL of a server shared by the whole test run; starts it on first use. */
export function sharedServerUrl(name: SharedServer): Promise<string> {
  let url = urls.get(name);
  if (!url) {
    url = ask(name);
    urls.set(name, url);
  }
  return url;
}

async function ask(name: SharedServer): Promise<string> {
  const socketPath = process.env[SOCKET_VARIABLE];
  if (!socketPath)
    throw new Error("No shared servers: name @fleet/testkit's global-setup in the jest config.");
  const outgoing = request({ socketPath, path: `/${name}`, agent: false }).end();
  const [response] = await once(outgoing, "response");
  const body = await text(response);
  if (response.statusCode !== 200) throw new Error(`The shared ${name} did not start: ${body}`);
  return body;
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Logger, nullLogger } from "@fleet/base";
import { postgresUrl, reachableDataDir, startPostgres, startRedis } from "./index.js";

/** Whether something accepts connections on the port. */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  for (const end = Date.now() + 15_000; Date.now() < end; ) {
    if (await condition()) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`Waited in vain until ${what}.`);
}

async function takenPort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as { port: number }).port, close: () => server.close() };
}

function recorder(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const add = (message: string) => void lines.push(message);
  const logger: Logger = { debug: add, info: add, warn: add, error: add, child: () => logger };
  return { logger, lines };
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "embedded-"));
  await chmod(folder, 0o755);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("startPostgres", () => {
  const start = (port?: number, logger = nullLogger) =>
    startPostgres({ dataDir: join(folder, "pg"), port, logger, disposable: true });

  test("keeps its port and password across restarts, and refuses a second start on the same folder", async () => {
    const first = await start();
    expect(await answers(first.port)).toBe(true);
    await expect(start()).rejects.toMatchObject({ code: "conflict" });
    expect(await postgresUrl(join(folder, "pg"))).toBe(first.url);
    await first.close();
    expect(await answers(first.port)).toBe(false);

    const second = await start();
    expect(second.url).toBe(first.url);
    await second.close();
  });

  test("recovers from a killed postmaster, and from a pid file with another program's pid", async () => {
    const first = await start();
    const pidFile = join(folder, "pg/data/postmaster.pid");
    const pid = Number((await readFile(pidFile, "utf8")).split("\n")[0]);
    process.kill(pid, "SIGKILL");
    expect(await first.exited).toMatchObject({ signal: "SIGKILL" });
    await writeFile(pidFile, `${process.pid}\n`);

    const { logger, lines } = recorder();
    const second = await start(undefined, logger);
    expect(lines.join("\n")).toContain("automatic recovery in progress");
    await second.close();
  });

  test("says which port is in use", async () => {
    const taken = await takenPort();
    await expect(start(taken.port)).rejects.toThrow(`port ${taken.port} on 127.0.0.1 is already in use`);
    taken.close();
  });
});

test("as root, a private folder is made traversable, and a folder below another private one is avoided", async () => {
  const inside = join(folder, "private");
  await mkdir(join(inside, "deeper"), { recursive: true });
  await chmod(inside, 0o700);
  const isRoot = process.getuid?.() === 0;
  const deep = await reachableDataDir(join(inside, "deeper/postgres"), "/var/lib/other", nullLogger);
  expect(deep).toBe(isRoot ? "/var/lib/other" : join(inside, "deeper/postgres"));
  expect(await reachableDataDir(join(inside, "postgres"), "/var/lib/other", nullLogger)).toBe(
    join(inside, "postgres"),
  );
  expect((await stat(inside)).mode & 0o777).toBe(isRoot ? 0o711 : 0o700);
});

describe("startRedis", () => {
  test("requires the password of its URL", async () => {
    const redis = await startRedis({ dir: join(folder, "redis"), logger: nullLogger });
    const socket = connect(redis.port, "127.0.0.1");
    socket.write("PING\r\n");
    const [refused] = await once(socket, "data");
    expect(String(refused)).toContain("NOAUTH");
    socket.write(`AUTH ${new URL(redis.url).password}\r\nPING\r\n`);
    const [welcome] = await once(socket, "data");
    expect(String(welcome)).toContain("+OK");
    socket.destroy();
    await redis.close();
    expect(await redis.exited).toMatchObject({ code: 0 });
  });

  test("says which port is in use", async () => {
    const taken = await takenPort();
    const starting = startRedis({ dir: folder, port: taken.port, logger: nullLogger });
    await expect(starting).rejects.toThrow(`port ${taken.port} on 127.0.0.1 is already in use`);
    taken.close();
  });
});

test("a child ends when its parent is killed", async () => {
  // The parent must be another process, which runs the sources directly: `.js` in an import means the `.ts` beside it.
  const script = `
    import { registerHooks } from "node:module";
    registerHooks({
      resolve: (name, context, next) => next(/^\\.{1,2}\\//.test(name) ? name.replace(/\\.js$/, ".ts") : name, context),
    });
    const { spawnServer } = await import(${JSON.stringify(new URL("./child.ts", import.meta.url).href)});
    const options = { command: "/bin/sleep", args: ["60"], deathSignal: "TERM", onLine() {} };
    console.log(spawnServer(options).pid);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [chunk] = await once(parent.stdout, "data");
  const pid = Number(String(chunk));
  await until("the child runs", async () =>
    (await readFile(`/proc/${pid}/cmdline`, "utf8")).startsWith("/bin/sleep"),
  );
  parent.kill("SIGKILL");
  await until("the child is gone", async () => {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    return stat === "" || stat.includes(") Z ");
  });
});

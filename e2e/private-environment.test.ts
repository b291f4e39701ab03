import { mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPtyExpecter, waitFor } from "@fleet/testkit";
import { commandOf, DIST, descendants, startFleet } from "./harness/fleet.js";
import { reservedPort } from "./harness/port.js";

/** Generous, because the machine may be busy. */
const START_LIMIT_MS = 30_000;

/** What another program of the same user can read of the process. */
async function shownBy(pid: number): Promise<string> {
  const read = (file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
  return `${await read("environ")}\0${await read("cmdline")}`.replaceAll("\0", "\n");
}

test("template code cannot read secrets from the fleet's processes", async () => {
  await using fleet = await startFleet({
    env: { CODER_ANYTHING: "s3cret", PGPASSWORD: "s3cret", REDISCLI_AUTH: "s3cret" },
  });
  const folder = join(fleet.configDir, "server");
  const files = await readdir(folder);
  const kept = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
  expect(kept.length).toBeGreaterThan(1);
  const supervisors = descendants(process.pid).filter((pid) => commandOf(pid).includes("dist/coder.js"));
  const pids = [...supervisors, ...supervisors.flatMap(descendants)];
  for (const service of ["coderd", "provisionerd", "proxy"] as const) {
    expect(pids).toEqual(expect.arrayContaining(fleet.pids(service)));
    expect(fleet.pids(service).length).toBeGreaterThan(0);
  }
  for (const store of ["postgres", "redis"] as const)
    expect(pids).toEqual(expect.arrayContaining(fleet.storePids(store)));
  for (const pid of pids) {
    const shown = await shownBy(pid);
    expect(shown).not.toMatch(/s3cret|:\/\/[^\s/]*:[^\s/]+@|_TOKEN=|_PSK=/);
    for (const secret of kept) expect(shown).not.toContain(secret.trim());
  }
});

test("a password is removed from the server's command line, and stdin stays the terminal", async () => {
  const config = await mkdtemp(join(tmpdir(), "coder-private-"));
  await using _ = { [Symbol.asyncDispose]: () => rm(config, { recursive: true, force: true }) };
  const nowhere = (scheme: string) => `${scheme}://user:s3cret@127.0.0.1:1/0`;
  await using pty = createPtyExpecter({
    command: process.execPath,
    args: [
      join(DIST, "coder.js"),
      "server",
      "--postgres-url",
      nowhere("postgres"),
      `--redis-url=${nowhere("redis")}`,
    ],
    env: {
      ...process.env,
      CODER_CONFIG_DIR: config,
      CODER_HTTP_ADDRESS: `127.0.0.1:${await reservedPort()}`,
    },
  });
  await pty.expect("Starting coderd", START_LIMIT_MS);
  const [pid] = descendants(process.pid).filter((one) => commandOf(one).includes("dist/coder.js"));
  const shown = await waitFor(() => shownBy(pid!), { what: "the process" });
  expect(shown).toContain("dist/coder.js\nserver\n");
  expect(shown).not.toContain("s3cret");
  expect(await readlink(`/proc/${pid}/fd/0`)).toMatch(/^\/dev\/pts\//);
  pty.send("\u0003");
  await pty.exited;
});

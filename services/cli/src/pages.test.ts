import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { type Handlers, startDeployment } from "./testing/deployment.js";
import { agent, build, user, workspace } from "./testing/objects.js";
import { createTestCli, type TestCli } from "./testing/run.js";

/** Maximum page size of the server. */
const SERVER_PAGE = 100;

let cli: TestCli;
beforeEach(async () => {
  cli = await createTestCli();
});
afterEach(() => cli[Symbol.asyncDispose]());

const main = agent({ name: "main", logs_overflowed: true });
const dev = workspace({ latest_build: build({}, [main]) });

const many = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => make(index));
const byOffset =
  <T>(all: readonly T[]) =>
  ({ query }: { query: URLSearchParams }) => {
    const offset = Number(query.get("offset") ?? 0);
    return all.slice(offset, offset + SERVER_PAGE);
  };

const workspaces = many(230, (index) => workspace({ name: `ws${index}` }));
const builds = many(230, (index) => build({ build_number: 230 - index }));
const users = many(230, (index) => user({ username: `user${index}` }));
const lines = many(250, (index) => ({
  id: index + 1,
  created_at: "2026-11-24T09:00:00Z",
  output: `line ${index + 1}`,
  level: "info" as const,
  source_id: main.id,
}));
const buildLines = lines.map(({ id, created_at, output }) => ({
  ...{
    id,
    created_at,
    output,
    log_source: "provisioner" as const,
    log_level: "info" as const,
    stage: "Starting",
  },
}));
const afterLast =
  <T extends { id: number }>(all: readonly T[]) =>
  ({ query }: { query: URLSearchParams }) => {
    const after = Number(query.get("after") ?? 0);
    return all.filter(({ id }) => id > after).slice(0, SERVER_PAGE);
  };

const handlers: Handlers = {
  workspaceList: (call) => ({ workspaces: byOffset(workspaces)(call), count: 230 }),
  userList: (call) => ({ users: byOffset(users)(call), count: 230 }),
  workspaceGetByName: () => dev,
  workspaceBuildList: byOffset(builds),
  workspaceBuildLogs: afterLast(buildLines),
  agentLogs: afterLast(lines),
};

async function run(...args: string[]) {
  await using deployment = await startDeployment(handlers);
  return await cli.run(["--url", deployment.url, "--token", "t", ...args]);
}

test.each([[["list"]], [["schedule", "show"]], [["users", "list"]], [["builds", "list", "dev"]]])(
  "%j has every item, whatever the server's pages are",
  async (args) => {
    const { status, stdout } = await run(...args, "-o", "json");
    expect(status).toBe(0);
    const items: { id: string }[] = JSON.parse(stdout);
    expect(new Set(items.map(({ id }) => id)).size).toBe(230);
  },
);

test("logs are printed completely, and say what the server has dropped", async () => {
  const { stdout, stderr } = await run("logs", "dev");
  expect(stdout.match(/\[provisioner\|Starting\] line \d+/g)).toHaveLength(250);
  expect(stdout.match(/\[agent.main\|agent\] line \d+/g)).toHaveLength(250);
  expect(stdout.trimEnd()).toMatch(/line 250$/);
  expect(stderr).toContain("The log of agent main exceeded its size limit");
});

test("a support bundle has complete logs", async () => {
  const file = join(cli.folder, "bundle.zip");
  await run("support", "bundle", "dev", "--yes", "-O", file);
  const files = unzipSync(new Uint8Array(await readFile(file)));
  const content = (path: string): unknown[] => JSON.parse(new TextDecoder().decode(files[path]));
  expect(content("agents/main/logs.json")).toHaveLength(250);
  expect(content("workspace/build_logs.json")).toHaveLength(250);
});

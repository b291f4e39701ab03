import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { errorMessage } from "@fleet/base";
import { waitFor } from "@fleet/testkit";
import { type Fleet, startFleet } from "./harness/fleet.js";
import { succeed, workspaceOf } from "./harness/workspace.js";

const TEMPLATE = resolve(import.meta.dirname, "templates/slow");
/** Delay between two requests of one client. */
const PAUSE_MS = 50;

/** Starts clients that do not retry; every unexpected response is recorded. */
function startLoad(fleet: Fleet, templateId: string) {
  const { client } = fleet;
  const failures: string[] = [];
  let requests = 0;
  let stopping = false;
  const workspaces: string[] = [];

  async function note<T>(what: string, call: () => Promise<T>): Promise<T | undefined> {
    requests += 1;
    const begun = performance.now();
    return call().catch((error: unknown) => {
      failures.push(`${what}, after ${Math.round(performance.now() - begun)} ms: ${errorMessage(error)}`);
      return undefined;
    });
  }
  async function repeatedly(round: (index: number) => Promise<unknown>): Promise<void> {
    for (let index = 0; !stopping; index++) {
      await round(index);
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  }
  const ended = (workspace: string, number: number) =>
    waitFor(
      async () => {
        const current = await note("workspaceGet", () => client.workspaceGet({ params: { workspace } }));
        const build = current?.latest_build;
        return build?.build_number === number && build.job.completed_at !== undefined;
      },
      { what: `build ${number} to end`, timeoutMs: 120_000 },
    );

  const running = Promise.all([
    repeatedly(() => note("workspaceList", () => client.workspaceList())),
    repeatedly(() => note("userGet", () => client.userGet({ params: { user: "me" } }))),
    repeatedly(() =>
      note("userAppearanceUpdate", () =>
        client.userAppearanceUpdate({ params: { user: "me" }, body: { theme_preference: "dark" } }),
      ),
    ),
    repeatedly(async (index) => {
      const made = await note("workspaceCreate", () =>
        client.workspaceCreate({
          params: { user: "me" },
          body: {
            name: `w-${index}`,
            template_id: templateId,
            rich_parameter_values: [{ name: "seconds", value: "0" }],
          },
        }),
      );
      if (!made) return;
      workspaces.push(made.id);
      await ended(made.id, 1);
      const call = { params: { workspace: made.id }, body: { transition: "stop" as const } };
      await note("workspaceBuildCreate", () => client.workspaceBuildCreate(call));
      await ended(made.id, 2);
    }),
  ]);
  return {
    failures,
    workspaces,
    requests: () => requests,
    async stop() {
      stopping = true;
      await running;
    },
  };
}

/** Pushes the template whose builds take a given time, and returns the file in which they record it. */
async function pushSlow(fleet: Fleet): Promise<string> {
  const ledger = join(fleet.configDir, "ledger");
  await succeed(fleet, [
    ...["templates", "push", "slow", "--directory", TEMPLATE],
    ...["--variable", `ledger=${ledger}`, "--yes"],
  ]);
  return ledger;
}

test("coderd and Postgres are killed repeatedly: no client sees an error, and nothing is created twice", async () => {
  await using fleet = await startFleet();
  await pushSlow(fleet);
  const template = await fleet.client.templateGetByName({
    params: { organization: "default", templateName: "slow" },
  });
  const load = startLoad(fleet, template.id);
  const more = async (count: number) => {
    const wanted = load.requests() + count;
    await waitFor(() => load.requests() >= wanted, { what: "the load to go on", timeoutMs: 60_000 });
  };
  await more(50);
  for (let kills = 0; kills < 3; kills++) {
    await fleet.kill("coderd");
    await more(50);
  }
  const before = fleet.postgresPids();
  for (const pid of before) process.kill(pid, "SIGKILL");
  await waitFor(() => fleet.postgresPids().some((pid) => !before.includes(pid)), {
    what: "Postgres to be started again",
    timeoutMs: 30_000,
  });
  await more(100);
  await load.stop();

  expect(load.failures).toEqual([]);
  expect(load.workspaces.length).toBeGreaterThan(0);
  const { workspaces } = await fleet.client.workspaceList();
  expect(workspaces.map(({ id }) => id).sort()).toEqual([...load.workspaces].sort());
  for (const workspace of load.workspaces) {
    const builds = await fleet.client.workspaceBuildList({ params: { workspace } });
    expect(
      builds.map(({ transition, status, job }) => `${transition} ${status} ${job.error ?? ""}`.trim()),
    ).toEqual(["stop stopped", "start running"]);
  }
}, 300_000);

test("the proxy and coderd are killed while a command follows a build: it shows every log line once", async () => {
  await using fleet = await startFleet();
  const ledger = await pushSlow(fleet);
  const creating = fleet.coder([
    ...["create", "followed", "--template", "slow", "--parameter", "seconds=15", "--yes"],
  ]);
  const began = () => existsSync(ledger) && readFileSync(ledger, "utf8").includes("began followed");
  await waitFor(began, { what: "the build to run", timeoutMs: 60_000 });
  await fleet.kill("proxy");
  await fleet.kill("coderd");
  const { code, stderr } = await creating;
  expect(`${code} ${stderr}`).toMatch(/^0 /);
  const { latest_build } = await workspaceOf(fleet, "followed");
  const logs = await fleet.client.workspaceBuildLogs({ params: { build: latest_build.id } });
  const shown = logs.filter(
    ({ output, log_level }) => output !== "" && !["debug", "trace"].includes(log_level),
  );
  const lines = stderr.split("\n").filter((line) => shown.some(({ output }) => output === line));
  expect(lines).toEqual(shown.map(({ output }) => output));
}, 200_000);

import { nullLogger } from "@fleet/base";
import type { CreateBuildRequest, WorkspaceBuild } from "@fleet/sdk";
import { waitFor } from "@fleet/testkit";
import { createTestCoderd, type TestUser } from "../testing/coderd.js";
import {
  built,
  createTemplate,
  createVersion,
  createWorkspace,
  imported,
  ONE_AGENT,
  startProvisioner,
} from "../testing/work.js";
import { runLifecycle } from "../workspaces/lifecycle.js";

const TEMPLATE = {
  ...ONE_AGENT,
  parameters: [
    { name: "size", type: "number", mutable: true, defaultValue: "1", validation: { max: 9n } },
    { name: "wipe", type: "bool", mutable: true, ephemeral: true, defaultValue: "false" },
  ],
};

/** A running workspace, and a daemon that takes jobs one at a time on the test's command. */
async function start(apply?: { only: "stop"; error: string }) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd());
  const owner = await server.owner();
  const { workspace, template } = await (async () => {
    await using daemon = await startProvisioner(server);
    daemon.serve();
    const template = await createTemplate(owner, { ...TEMPLATE, ...(apply ? { apply } : {}) });
    const workspace = await createWorkspace(owner, template);
    await built(owner, workspace);
    return { workspace, template };
  })();
  const daemon = stack.use(await startProvisioner(server));
  const params = { workspace: workspace.id };
  const { client } = owner;
  return {
    server,
    owner,
    client,
    template,
    workspace,
    daemon,
    params,
    build: (body: CreateBuildRequest) => client.workspaceBuildCreate({ params, body }),
    restart: (body: Partial<CreateBuildRequest> = {}) =>
      client.workspaceBuildCreate({ params, body: { transition: "start", restart: true, ...body } }),
    latest: async () => (await client.workspaceGet({ params })).latest_build,
    read: ({ id }: { id: string }) => client.workspaceBuildGet({ params: { build: id } }),
    values: async ({ id }: { id: string }) =>
      Object.fromEntries(
        (await client.workspaceBuildParameters({ params: { build: id } })).map(({ name, value }) => [
          name,
          value,
        ]),
      ),
    runNext: async () => daemon.run(await daemon.acquire()),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

type Test = Awaited<ReturnType<typeof start>>;

/** The start that follows, once its outcome is known. */
function decided({ read }: Test, stop: WorkspaceBuild): Promise<WorkspaceBuild["next_build"]> {
  return waitFor(
    async () => {
      const { next_build } = await read(stop);
      return next_build?.status === "waiting" ? undefined : next_build;
    },
    { what: "the restart to be decided" },
  );
}

const value = (name: string, text: string) => ({ name, value: text });

test("a restart is one request: the server runs the start, with its values, after the stop", async () => {
  await using test = await start();
  const stop = await test.restart({
    reason: "cli",
    rich_parameter_values: [value("size", "5"), value("wipe", "true")],
  });
  expect(stop).toMatchObject({ transition: "stop", next_build: { transition: "start", status: "waiting" } });
  await test.runNext();
  const next = await decided(test, stop);
  expect(next).toMatchObject({ status: "started", template_version_id: test.template.active_version_id });
  const begun = await test.latest();
  expect(begun).toMatchObject({ id: next!.build_id, transition: "start", build_number: 3, reason: "cli" });
  expect(await test.values(begun)).toEqual({ size: "5", wipe: "true" });
  const { audit_logs } = await test.client.auditList({ query: { q: `resource_id:${begun.id}` } });
  expect(audit_logs).toMatchObject([{ action: "start", user: { username: "owner" } }]);
  expect(await test.values(stop)).toEqual({ size: "1", wipe: "false" });
  await test.runNext();
  expect(await test.latest()).toMatchObject({ status: "running" });
});

test("a start that would be refused is reported before anything stops", async () => {
  await using test = await start();
  await expect(test.restart({ rich_parameter_values: [value("size", "99")] })).rejects.toMatchObject({
    code: "invalid_argument",
    validations: [{ field: "size", detail: expect.stringContaining("9") }],
  });
  await expect(test.restart({ rich_parameter_values: [value("colour", "red")] })).rejects.toThrow(/colour/);
  const broken = await createVersion(
    test.owner,
    { plan: { error: "no" } },
    { template_id: test.template.id },
  );
  await test.runNext();
  await imported(test.owner, broken);
  await expect(test.restart({ template_version_id: broken.id })).rejects.toThrow(/failed to import/);
  expect(await test.latest()).toMatchObject({ build_number: 1, status: "running" });
});

test("a restart of a stopped workspace is a start", async () => {
  await using test = await start();
  await test.build({ transition: "stop" });
  await test.runNext();
  const begun = await test.restart({ rich_parameter_values: [value("size", "2")] });
  expect(begun).toMatchObject({ transition: "start", build_number: 3 });
  expect(begun.next_build).toBeUndefined();
  await expect(test.build({ transition: "stop", restart: true })).rejects.toThrow(/transition "start"/);
});

test("a failed stop starts nothing, and says why", async () => {
  await using test = await start({ only: "stop", error: "the disk is busy" });
  const stop = await test.restart();
  await test.runNext();
  expect(await decided(test, stop)).toMatchObject({
    status: "dropped",
    error: "The workspace failed to stop, so it was not started: the disk is busy",
  });
  expect(await test.latest()).toMatchObject({ id: stop.id, status: "failed" });
});

test("a canceled restart starts nothing, even if its stop succeeds", async () => {
  await using test = await start();
  const pending = await test.restart();
  await test.client.workspaceBuildCancel({ params: { build: pending.id } });
  expect(await decided(test, pending)).toMatchObject({
    status: "dropped",
    error: expect.stringContaining("canceled"),
  });

  const stop = await test.restart();
  const job = await test.daemon.acquire();
  await test.client.workspaceBuildCancel({ params: { build: stop.id } });
  await test.daemon.run(job);
  expect(await test.latest()).toMatchObject({
    id: stop.id,
    status: "stopped",
    next_build: { status: "dropped" },
  });
});

test("a later request replaces the restart", async () => {
  await using test = await start();
  const stop = await test.restart({ rich_parameter_values: [value("size", "2")] });
  // Another restart shares the stop but has its own start.
  const second = await test.restart({ rich_parameter_values: [value("size", "3")] });
  expect(second).toMatchObject({ id: stop.id, next_build: { status: "waiting" } });
  await expect(test.build({ transition: "start" })).rejects.toMatchObject({ code: "conflict" });
  await test.runNext();
  const next = await decided(test, stop);
  expect(await test.values({ id: next!.build_id! })).toMatchObject({ size: "3" });
  await test.runNext();

  // A plain stop joins the same stop, without a start.
  const again = await test.restart();
  const alone = await test.build({ transition: "stop" });
  expect(alone).toMatchObject({ id: again.id, next_build: { status: "dropped", error: expect.any(String) } });
  await test.runNext();
  expect(await test.latest()).toMatchObject({ id: again.id, status: "stopped" });
});

test("scheduled builds do not come between a stop and its start", async () => {
  await using test = await start();
  const { domain } = test.server.coderd;
  const stop = await test.restart();
  // As if every replica were killed when the stop ends, so that none is notified.
  await domain.restarts.close();
  await test.runNext();
  await test.client.workspaceAutostartUpdate({
    params: test.params,
    body: { schedule: "CRON_TZ=UTC 0 9 * * *" },
  });
  const clock = { now: () => new Date(Date.now() + 24 * 3_600_000) } as never;
  const { lifecycleStore: store, builds } = domain;
  expect(
    await runLifecycle({
      store,
      builds,
      audit: domain.audit,
      notifier: domain.notifier,
      clock,
      logger: nullLogger,
    }),
  ).toEqual([]);
  expect(await test.latest()).toMatchObject({ id: stop.id, next_build: { status: "waiting" } });

  // A newly started replica resumes the restart.
  const replica = await test.server.replica();
  await replica.domain.restarts.carryOn();
  expect(await decided(test, stop)).toMatchObject({ status: "started" });
});

test("a start that became impossible during the stop is dropped with its reason", async () => {
  await using test = await start();
  const version = await createVersion(test.owner, TEMPLATE, { template_id: test.template.id });
  await test.runNext();
  await imported(test.owner, version);
  const stop = await test.restart({ template_version_id: version.id });
  await test.client.templateVersionArchive({ params: { version: version.id } });
  await test.runNext();
  expect(await decided(test, stop)).toMatchObject({
    status: "dropped",
    error: expect.stringMatching(/could not be started.*archived/),
  });
});

test("of two clients that start the same workspace, the second gets the first's build", async () => {
  await using test = await start();
  await test.build({ transition: "stop" });
  await test.runNext();
  const first = await test.build({ transition: "start", rich_parameter_values: [value("size", "4")] });
  expect(await test.build({ transition: "start" })).toMatchObject({ id: first.id });
  const same: CreateBuildRequest = { transition: "start", rich_parameter_values: [value("size", "4")] };
  expect(await test.build(same)).toMatchObject({ id: first.id });
  const job = await test.daemon.acquire();
  expect(await test.build({ transition: "start" })).toMatchObject({ id: first.id });

  const other: CreateBuildRequest = { transition: "start", rich_parameter_values: [value("size", "5")] };
  const sentence = /^A start of this workspace has been running since 20.*Z \(build 3, requested by owner\)/;
  await expect(test.build(other)).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringMatching(sentence),
  });
  await expect(test.build({ transition: "stop" })).rejects.toThrow(sentence);
  await expect(test.restart()).rejects.toThrow(sentence);
  await test.daemon.run(job);
  expect(await test.latest()).toMatchObject({ id: first.id, status: "running" });
});

test("a user who may not stop or start a workspace cannot restart it", async () => {
  await using test = await start();
  const other: TestUser = await test.server.user(test.owner);
  await expect(
    other.client.workspaceBuildCreate({ params: test.params, body: { transition: "start", restart: true } }),
  ).rejects.toMatchObject({ code: "not_found" });
});

import { nullLogger } from "@fleet/base";
import { createDatabase } from "../database/client.js";
import { createDbcrypt } from "../dbcrypt/dbcrypt.js";
import { createEncryptedColumns } from "../dbcrypt/store.js";
import { purge } from "../jobs/purge-store.js";
import { reapJobs } from "../provisionerjobs/reap.js";
import { createTestCoderd, type TestUser } from "../testing/coderd.js";
import { KEEPING } from "../testing/retention.js";
import { built, createTemplate, createWorkspace, startProvisioner } from "../testing/work.js";

const stateOf = (serial: number, lineage = "one") => ({ version: 4, serial, lineage, resources: [] });
/** What the echo provisioner leaves after one build. */
const ECHO = { version: 4, echo: 1, resources: [] };
const encode = (value: unknown) => Buffer.from(JSON.stringify(value));

/** A workspace with a successful start; its builds wait for `daemon` after that. */
async function startWorkspace(env: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd({ env }));
  const owner = await server.owner();
  const daemon = stack.use(await startProvisioner(server));
  const making = createTemplate(owner, {});
  await daemon.run(await daemon.acquire());
  const workspace = await createWorkspace(owner, await making);
  await daemon.run(await daemon.acquire());
  const build = await built(owner, workspace);
  const params = { build: build.id };
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 2 });
  stack.defer(close);
  return {
    server,
    owner,
    daemon,
    workspace,
    build,
    db,
    push: (state: unknown, how: { force?: boolean; expected_serial?: number } = {}) =>
      owner.client.workspaceBuildStateUpdate({
        params,
        body: { state: encode(state).toString("base64"), ...how },
      }),
    async pull(version?: number, { client }: TestUser = owner) {
      const query = version === undefined ? {} : { version };
      return JSON.parse(await (await client.workspaceBuildState({ params, query })).text());
    },
    history: async ({ client }: TestUser = owner) =>
      (await client.workspaceStateList({ params: { workspace: workspace.id } })).map(
        ({ build_number, version, origin, author_name, current }) =>
          [`${build_number}.${version}`, origin, author_name, current] as const,
      ),
    kept: async () =>
      (await owner.client.workspaceStateList({ params: { workspace: workspace.id } })).map(
        ({ build_number, version, origin }) => `${build_number}.${version} ${origin}`,
      ),
    stop: () =>
      owner.client.workspaceBuildCreate({
        params: { workspace: workspace.id },
        body: { transition: "stop" },
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("each state that another one replaces is kept, with who replaced it, and can be read", async () => {
  await using test = await startWorkspace();
  const { server, owner, daemon, push, pull, history } = test;
  await push(stateOf(5));
  await push(stateOf(6));
  expect(await history()).toEqual([
    ["1.3", "push", "owner", true],
    ["1.2", "push", "owner", false],
    ["1.1", "build", undefined, false],
  ]);
  expect([await pull(), await pull(3), await pull(2), await pull(1)]).toEqual([
    stateOf(6),
    stateOf(6),
    stateOf(5),
    ECHO,
  ]);
  await expect(pull(4)).rejects.toMatchObject({ code: "not_found" });

  // A build of its own adds no versions, however often it reports its state.
  await test.stop();
  const job = await daemon.acquire();
  expect(job.type.value).toMatchObject({ state: encode(stateOf(6)) });
  await daemon.client.failJob({
    jobId: job.id,
    daemonId: daemon.id,
    error: "No.",
    state: encode(stateOf(7)),
  });
  expect((await history()).slice(0, 2)).toEqual([
    ["2.1", "build", undefined, true],
    ["1.3", "push", "owner", false],
  ]);
  const ana = await server.user(owner, { username: "ana" });
  await expect(history(ana)).rejects.toMatchObject({ code: "not_found" });
  await expect(pull(1, ana)).rejects.toMatchObject({ code: "not_found" });
});

test("a state that is not the workspace's, or older, replaces it only by force", async () => {
  await using test = await startWorkspace();
  const { push, pull } = test;
  await push(stateOf(5));
  for (const [state, why] of [
    [stateOf(4), /older/],
    [stateOf(9, "two"), /lineage two/],
    [{ ...stateOf(6), version: 3 }, /format 3/],
    [{ ...stateOf(6), resources: [{ type: "a" }] }, /resources/],
    [{ ...stateOf(6), serial: "6" }, /serial/],
  ] as const) {
    await expect(push(state)).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringMatching(why),
    });
  }
  await expect(push(stateOf(6), { expected_serial: 4 })).rejects.toMatchObject({ code: "conflict" });
  expect(await pull()).toEqual(stateOf(5));
  await push({ ...stateOf(5), outputs: { edited: true } });
  await push(stateOf(6), { expected_serial: 5 });
  await push(stateOf(4), { force: true });
  expect(await pull()).toEqual(stateOf(4));
  await expect(push({ version: 5 }, { force: true })).rejects.toMatchObject({ code: "invalid_argument" });
});

test("no state is replaced below a running build", async () => {
  await using test = await startWorkspace();
  await test.stop();
  await expect(test.push(stateOf(5))).rejects.toMatchObject({ code: "conflict" });
  const job = await test.daemon.acquire();
  await expect(test.push(stateOf(5), { force: true })).rejects.toMatchObject({ code: "conflict" });
  await test.daemon.run(job);
  await test.push(stateOf(5));
});

test("a state that arrives after its build was given up is kept if it is newer", async () => {
  await using test = await startWorkspace();
  const { daemon, server, owner, workspace } = test;
  await test.stop();
  const { id: jobId } = await daemon.acquire();
  await daemon.client.commitQuota({ jobId, daemonId: daemon.id });
  const updates = daemon.client.updateJob();
  await updates.send({ jobId, daemonId: daemon.id, sequence: 1n, checkpointState: encode(stateOf(3)) });
  await updates[Symbol.asyncIterator]().next();
  updates.cancel();
  const { jobStore: store, kinds } = server.coderd.domain;
  const inAMinute = { now: () => new Date(Date.now() + 60_000) } as never;
  await reapJobs({
    store,
    kinds,
    pubsub: { publish() {} } as never,
    clock: inAMinute,
    logger: nullLogger,
    lostAfterMs: 30_000,
  });
  expect((await built(owner, workspace)).status).toBe("failed");

  const late = (state: unknown) =>
    daemon.client.failJob({ jobId, daemonId: daemon.id, error: "Lost.", state: encode(state) });
  await late(stateOf(2));
  await late(stateOf(9, "two"));
  expect(await test.kept()).toEqual(["2.1 build", "1.1 build"]);
  await late(stateOf(4));
  await late(stateOf(4));
  expect(await test.kept()).toEqual(["2.2 recovered", "2.1 build", "1.1 build"]);
  // The end itself stays as it was told.
  expect((await built(owner, workspace)).job.error).toMatch(/stopped responding/);
  await test.stop();
  expect((await daemon.acquire()).type.value).toMatchObject({ state: encode(stateOf(4)) });
});

test("states are encrypted with the first key, re-encrypted after a rotation, and read by former releases if there is none", async () => {
  const [first, second] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString("base64"));
  const SETTING = "CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS";
  await using test = await startWorkspace({ [SETTING]: first! });
  const { server, push, pull, db } = test;
  await push(stateOf(5));
  const stored = async () => [
    ...(await db.workspaceBuildState.findMany()),
    ...(await db.workspaceBuildStateVersion.findMany()),
  ];
  for (const { state } of await stored())
    expect(Buffer.from(state).toString("latin1")).not.toMatch(/echo|serial/);
  expect([await pull(), await pull(1)]).toEqual([stateOf(5), ECHO]);
  await expect(server.replica({ [SETTING]: "" })).rejects.toThrow(/encrypted with the key/);
  await expect(server.replica({ [SETTING]: second! })).rejects.toThrow(/encrypted with the key/);

  // One row is still in plain text, as a former release wrote it.
  await db.workspaceBuildStateVersion.updateMany({ data: { state: encode(ECHO), keyId: null } });
  expect(await pull(1)).toEqual(ECHO);
  const columns = createEncryptedColumns(db);
  const crypt = createDbcrypt(`${second},${first}`);
  expect(await columns.reseal(crypt, crypt, 10)).toBe(2);
  expect(await columns.reseal(crypt, crypt, 10)).toBe(0);
  const rotated = (await server.replica({ [SETTING]: second! })).domain.stateStore;
  expect(await rotated.asOf(test.workspace.id, 1)).toEqual(new Uint8Array(encode(stateOf(5))));
  expect(await rotated.version(test.build.id, 1)).toEqual(new Uint8Array(encode(ECHO)));
});

test("a deployment without keys starts beside states in plain text, and encrypts nothing", async () => {
  await using test = await startWorkspace();
  await test.server.replica();
  const [row] = await test.db.workspaceBuildState.findMany();
  expect(row).toMatchObject({ keyId: null, state: new Uint8Array(encode(ECHO)) });
});

test("only the latest states of a workspace are kept, and always the one that the next build needs", async () => {
  await using test = await startWorkspace();
  const { daemon, db } = test;
  for (let i = 0; i < 2; i++) {
    await test.stop();
    await daemon.run(await daemon.acquire());
  }
  for (const serial of [5, 6, 7]) await test.push(stateOf(serial));
  await purge({ db, clock: { now: () => new Date() } as never, statesKept: 2, retention: KEEPING });
  expect(await test.kept()).toEqual(["3.1 build", "2.1 build"]);
  await purge({ db, clock: { now: () => new Date() } as never, statesKept: 1, retention: KEEPING });
  expect(await test.kept()).toEqual(["3.1 build"]);
});

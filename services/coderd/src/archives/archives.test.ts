import { createHash, randomBytes, randomUUID } from "node:crypto";
import { createDatabase } from "../database/client.js";
import { KEPT_MS, purge } from "../jobs/purge-store.js";
import { createTestCoderd, type TestCoderd, type TestUser } from "../testing/coderd.js";
import type { TestProvisioner } from "../testing/provisioner.js";
import { KEEPING } from "../testing/retention.js";
import { createVersion, imported, startProvisioner } from "../testing/work.js";
import { ARCHIVE_CHUNK_BYTES } from "./service.js";

const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const named = (bytes: Uint8Array) => ({ sha256: hashOf(bytes), size: BigInt(bytes.length) });

/** Uploads as a daemon does, of any header and bytes. */
async function upload(
  { client, id }: TestProvisioner,
  jobId: string,
  bytes: Uint8Array,
  archive = named(bytes),
): Promise<void> {
  const stream = client.uploadArchive();
  const send = async () => {
    await stream.send({ message: { case: "header", value: { jobId, daemonId: id, archive } } });
    for (let at = 0; at < bytes.length; at += ARCHIVE_CHUNK_BYTES) {
      const value = bytes.subarray(at, at + ARCHIVE_CHUNK_BYTES);
      await stream.send({ message: { case: "chunk", value } });
    }
    stream.end();
  };
  await Promise.all([
    send().catch(() => {}),
    (async () => {
      for await (const _ of stream);
    })(),
  ]);
}

async function download({ client }: Pick<TestProvisioner, "client">, sha256: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const { chunk } of client.downloadArchive({ sha256 })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const offer = ({ client, id }: TestProvisioner, jobId: string, ...bytes: Uint8Array[]) =>
  client.offerArchives({ jobId, daemonId: id, archives: bytes.map(named) });

function complete({ client, id }: TestProvisioner, jobId: string, modules: Uint8Array) {
  const prepared = { installation: { engine: "terraform", modules: named(modules), providers: [] } };
  return client.completeJob({ jobId, daemonId: id, type: { case: "templateImport", value: { prepared } } });
}

async function importing(owner: TestUser, daemon: TestProvisioner, options = {}) {
  const version = await createVersion(owner, undefined, options);
  return { version, job: await daemon.acquire() };
}

async function preparedOf(owner: TestUser, daemon: TestProvisioner, versionId: string) {
  await owner.client.dryRunCreate({
    params: { version: versionId },
    body: { workspace_name: "x", rich_parameter_values: [] },
  });
  const job = await daemon.acquire();
  if (job.type.case !== "templateDryRun") throw new Error("not a dry run");
  return job.type.value.prepared!.installation;
}

async function openDatabase(server: TestCoderd) {
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 2 });
  return { db, [Symbol.asyncDispose]: close };
}

test("what one import uploads is stored once, told to later jobs of its version, and not asked for again", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const modules = randomBytes(3 * ARCHIVE_CHUNK_BYTES + 5);

  const first = await importing(owner, daemon);
  expect(await offer(daemon, first.job.id, modules)).toMatchObject({
    missingSha256: [hashOf(modules)],
    refusal: "",
  });
  await Promise.all([upload(daemon, first.job.id, modules), upload(daemon, first.job.id, modules)]);
  expect(await offer(daemon, first.job.id, modules)).toMatchObject({ missingSha256: [] });
  await complete(daemon, first.job.id, modules);
  await imported(owner, first.version);
  expect(await preparedOf(owner, daemon, first.version.id)).toMatchObject({
    engine: "terraform",
    modules: named(modules),
  });
  expect(await download(daemon, hashOf(modules))).toEqual(modules);

  const second = await importing(owner, daemon);
  expect(await offer(daemon, second.job.id, modules)).toMatchObject({ missingSha256: [], refusal: "" });
  await using database = await openDatabase(server);
  expect(await database.db.archive.count()).toBe(1);
});

test("an upload that is not what it announces, or of no running import, leaves nothing", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const { job } = await importing(owner, daemon);
  const bytes = randomBytes(1000);
  const other = { sha256: hashOf(randomBytes(1000)), size: 1000n };
  await expect(upload(daemon, job.id, bytes, other)).rejects.toMatchObject({ code: "invalid_argument" });
  await expect(upload(daemon, job.id, bytes, { ...named(bytes), size: 10n })).rejects.toMatchObject({
    code: "invalid_argument",
  });
  await expect(upload(daemon, job.id, bytes, { ...named(bytes), size: 2000n })).rejects.toMatchObject({
    code: "invalid_argument",
  });
  await expect(upload(daemon, job.id, bytes, { sha256: "../x", size: 1000n })).rejects.toMatchObject({
    code: "invalid_argument",
  });
  await expect(upload(daemon, randomUUID(), bytes)).rejects.toMatchObject({ code: "failed_precondition" });
  await using second = await startProvisioner(server);
  await expect(upload(second, job.id, bytes)).rejects.toMatchObject({ code: "failed_precondition" });
  await using database = await openDatabase(server);
  expect(await database.db.archive.count()).toBe(0);
  expect(await database.db.archiveChunk.count()).toBe(0);
});

test("a daemon of one organization neither reads another's archives nor makes its versions use them", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const secret = randomBytes(1000);
  const first = await importing(owner, daemon);
  await upload(daemon, first.job.id, secret);
  await complete(daemon, first.job.id, secret);

  await using database = await openDatabase(server);
  await owner.client.organizationCreate({ body: { name: "other" } });
  const { key } = await owner.client.provisionerKeyCreate({
    params: { organization: "other" },
    body: { name: "key", tags: {} },
  });
  await using stranger = await startProvisioner(server, { key });
  await expect(download(stranger, hashOf(secret))).rejects.toMatchObject({ code: "not_found" });
  // The same bytes, stored once: whoever has them may read them.
  await database.db.archiveHolder.deleteMany({});
  const second = await importing(owner, daemon);
  await complete(daemon, second.job.id, secret);
  await imported(owner, second.version);
  expect(await preparedOf(owner, daemon, second.version.id)).toBeUndefined();
});

test("what is too large is refused with the setting's name, and nothing is stored when it is off", async () => {
  await using server = await createTestCoderd({
    env: { CODER_TEMPLATE_CACHE_ARCHIVE_MIB: "1", CODER_TEMPLATE_CACHE_TOTAL_MIB: "2" },
  });
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const { job } = await importing(owner, daemon);
  const large = randomBytes(1024 * 1024 + 1);
  const { missingSha256, refusal } = await offer(daemon, job.id, large);
  expect(missingSha256).toEqual([]);
  expect(refusal).toBe("One is 2 MiB, above the server's limit of 1 MiB (CODER_TEMPLATE_CACHE_ARCHIVE_MIB).");
  await expect(upload(daemon, job.id, large)).rejects.toMatchObject({ code: "too_large" });
  const most = () => randomBytes(900 * 1024);
  expect((await offer(daemon, job.id, most(), most(), most())).refusal).toContain(
    "CODER_TEMPLATE_CACHE_TOTAL_MIB",
  );
  await using off = await createTestCoderd({ env: { CODER_TEMPLATE_CACHE: "false" } });
  const offOwner = await off.owner();
  await using offDaemon = await startProvisioner(off);
  const { job: offJob } = await importing(offOwner, offDaemon);
  expect(await offer(offDaemon, offJob.id, most())).toMatchObject({
    missingSha256: [],
    refusal: expect.stringContaining("CODER_TEMPLATE_CACHE is off"),
  });
});

test("an archive is deleted a day after the last version that refers to it, and an upload that was given up too", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const modules = randomBytes(100);
  const { job, version } = await importing(owner, daemon);
  await upload(daemon, job.id, modules);
  await complete(daemon, job.id, modules);
  await imported(owner, version);
  const template = await owner.client.templateCreate({
    params: { organization: "default" },
    body: { name: "kept", template_version_id: version.id },
  });
  await using database = await openDatabase(server);
  const { db } = database;
  await db.archive.create({
    data: { size: 5n, chunks: { create: { position: 0, data: Buffer.from("x") } } },
  });
  const purgeIn = (ms: number) =>
    purge({
      db,
      clock: { now: () => new Date(Date.now() + ms) } as never,
      statesKept: 100,
      retention: KEEPING,
    });
  await purgeIn(KEPT_MS.archives - 60_000);
  expect(await db.archive.count()).toBe(2);
  await purgeIn(KEPT_MS.archives + 60_000);
  expect(await db.archive.findMany()).toMatchObject([{ sha256: hashOf(modules) }]);
  await owner.client.templateDelete({ params: { template: template.id } });
  await purgeIn(KEPT_MS.archives + 60_000);
  expect(await db.archive.count()).toBe(0);
  expect(await db.archiveChunk.count()).toBe(0);
});

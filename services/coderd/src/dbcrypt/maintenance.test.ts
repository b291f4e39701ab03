import { createDatabase } from "../database/client.js";
import { createTestCoderd, type TestUser } from "../testing/coderd.js";
import { built, createTemplate, createWorkspace, startProvisioner } from "../testing/work.js";
import { ENCRYPTED } from "./columns.js";
import { createDbcrypt } from "./dbcrypt.js";
import { createMaintenance } from "./maintenance.js";
import { createEncryptedColumns } from "./store.js";

const [FIRST, SECOND, OTHER] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte).toString("base64")) as [
  string,
  string,
  string,
];
const SETTING = "CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS";

/** A deployment with secrets that are encrypted with the first key. */
async function start() {
  const server = await createTestCoderd({ env: { [SETTING]: FIRST } });
  const owner = await server.owner();
  for (const name of ["a", "b", "c"]) await store(owner, name);
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 2 });
  const columns = createEncryptedColumns(db);
  const values = async () =>
    (await server.coderd.domain.userSecrets.valuesOf(owner.id)).map(({ value }) => value);
  return {
    server,
    owner,
    db,
    columns,
    maintenance: createMaintenance(columns),
    values,
    async [Symbol.asyncDispose]() {
      await close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const store = ({ client }: TestUser, name: string) =>
  client.userSecretCreate({
    params: { user: "me" },
    body: { name, value: `value-${name}`, env_name: `V_${name}` },
  });

test("the registry names each bytea column that has a key, and only columns that exist", async () => {
  await using test = await start();
  const rows = await test.db.$queryRaw<{ name: string }[]>`
    SELECT table_name || '.' || column_name AS name FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type = 'bytea'`;
  const bytes = rows.map(({ name }) => name);
  const registered = ENCRYPTED.map(({ table, column }) => `${table}.${column}`);
  expect(registered.filter((name) => !bytes.includes(name))).toEqual([]);
  /** Hashes, and content that is no secret of one user. */
  const PLAIN = /hash|digest|checksum|_key$|^files\.|^archive|^template_|graph|provider_lock|secret_prefix/;
  const unknown = bytes.filter((name) => !registered.includes(name as never) && !PLAIN.test(name));
  expect(unknown).toEqual([]);
});

test("a rotation goes on after it was interrupted, and refuses before the first change if a key is missing", async () => {
  await using test = await start();
  const { columns, maintenance } = test;
  const [first, second] = [createDbcrypt(FIRST), createDbcrypt(`${SECOND},${FIRST}`)];
  // As a kill leaves it: one value is rewritten.
  expect(await columns.reseal(second, second, 1)).toBe(1);
  expect((await columns.keysInUse()).sort()).toEqual([...second.keyIds].sort());
  await expect(maintenance.rotate({ newKey: OTHER, oldKeys: FIRST })).rejects.toThrow(
    "encrypted with the key",
  );
  await expect(maintenance.decrypt(OTHER)).rejects.toThrow("encrypted with the keys");
  expect((await columns.keysInUse()).sort()).toEqual([...second.keyIds].sort());

  expect(await maintenance.rotate({ newKey: SECOND, oldKeys: FIRST })).toBe(2);
  expect(await maintenance.rotate({ newKey: SECOND, oldKeys: FIRST })).toBe(0);
  expect(await columns.keysInUse()).toEqual([second.keyId]);
  expect(first.keyId).not.toBe(second.keyId);
  const replica = await test.server.replica({ [SETTING]: SECOND });
  expect((await replica.domain.userSecrets.valuesOf(test.owner.id)).map(({ value }) => value)).toEqual([
    "value-a",
    "value-b",
    "value-c",
  ]);
});

test("decrypting leaves plain text, which a deployment without keys reads", async () => {
  await using test = await start();
  expect(await test.maintenance.decrypt(FIRST)).toBe(3);
  expect(await test.columns.keysInUse()).toEqual([]);
  const replica = await test.server.replica({ [SETTING]: "" });
  expect(await replica.domain.userSecrets.valuesOf(test.owner.id)).toHaveLength(3);
});

test("deleting removes what is encrypted and keeps the rest, and leaves states unless told to delete them", async () => {
  await using test = await start();
  const { server, maintenance, columns, owner } = test;
  await maintenance.decrypt(FIRST);
  await store(owner, "d");
  await using daemon = await startProvisioner(server);
  daemon.serve();
  await built(owner, await createWorkspace(owner, await createTemplate(owner)));
  await expect(maintenance.delete({ states: false })).rejects.toThrow("1 Terraform states");
  expect(await test.values()).toHaveLength(4);
  await maintenance.delete({ states: true });
  expect(await test.values()).toEqual(["value-a", "value-b", "value-c"]);
  expect([await columns.countStates(), await columns.keysInUse()]).toEqual([0, []]);
});

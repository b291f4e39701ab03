import { createDatabase } from "../database/client.js";
import { createTestCoderd } from "../testing/coderd.js";
import { createVersion, createWorkspace, startProvisioner } from "../testing/work.js";
import { SECRET_LIMITS } from "./rules.js";

const KEY = Buffer.alloc(32, 7).toString("base64");
const me = { user: "me" };

test("a secret is stored encrypted, changed field by field, and never sent back", async () => {
  await using server = await createTestCoderd({ env: { CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS: KEY } });
  const { client } = await server.owner();
  const params = { ...me, secret: "npm" };
  const created = await client.userSecretCreate({
    params: me,
    body: { name: "npm", value: "hunter22", env_name: "NPM_TOKEN", description: "registry" },
  });
  expect(created).toMatchObject({ name: "npm", env_name: "NPM_TOKEN", file_path: "", enabled: true });
  const updated = await client.userSecretUpdate({
    params,
    body: { file_path: "~/.npmrc", env_name: "", value: "hunter23" },
  });
  expect(updated).toMatchObject({ description: "registry", env_name: "", file_path: "~/.npmrc" });
  expect(await client.userSecretList({ params: me })).toEqual([updated]);
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 1 });
  const [row] = await db.userSecret.findMany();
  expect(Buffer.from(row!.value).toString("latin1")).not.toContain("hunter");
  const audit = JSON.stringify(await db.auditLog.findMany());
  await close();
  expect([audit.includes("user_secret"), audit.includes("hunter")]).toEqual([true, false]);
  await client.userSecretDelete({ params });
  await expect(client.userSecretGet({ params })).rejects.toThrow('Secret "npm" not found.');
});

test.each([
  [{ name: "a b" }, "name"],
  [{ env_name: "9X" }, "env_name"],
  [{ env_name: "PATH" }, "env_name"],
  [{ env_name: "CODER_AGENT_TOKEN" }, "env_name"],
  [{ env_name: "LD_PRELOAD" }, "env_name"],
  [{ file_path: "x" }, "file_path"],
  [{ file_path: "~/a/../../b" }, "file_path"],
  [{ file_path: "/a/" }, "file_path"],
  [{ env_name: "" }, "enabled"],
  [{ value: "" }, "value"],
  [{ value: "x".repeat(SECRET_LIMITS.valueBytes + 1) }, "value"],
])("%p is refused", async (wrong, field) => {
  await using server = await createTestCoderd();
  const { client } = await server.owner();
  const body = { name: "n", value: "v", env_name: "V", ...wrong };
  await expect(client.userSecretCreate({ params: me, body })).rejects.toMatchObject({
    code: "invalid_argument",
    validations: [{ field }],
  });
  expect(await client.userSecretList({ params: me })).toEqual([]);
});

test("names, variables and files are unique for a user, and a user's secrets are limited, even at the same time", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const other = await server.user(owner);
  const create = (client: typeof owner.client, body: object) =>
    client.userSecretCreate({ params: me, body: { name: "n", value: "v", ...body } });
  await create(owner.client, { env_name: "A", file_path: "/a" });
  await create(other.client, { env_name: "A", file_path: "/a" });
  for (const [body, field] of [
    [{ env_name: "B" }, "name"],
    [{ name: "m", env_name: "A" }, "env_name"],
    [{ name: "m", file_path: "/a" }, "file_path"],
  ] as const) {
    await expect(create(owner.client, body)).rejects.toMatchObject({ validations: [{ field }] });
  }
  const many = await Promise.allSettled(
    Array.from({ length: SECRET_LIMITS.count + 5 }, (_, i) =>
      create(owner.client, { name: `n${i}`, env_name: `N${i}` }),
    ),
  );
  expect(many.filter(({ status }) => status === "fulfilled")).toHaveLength(SECRET_LIMITS.count - 1);
  const big = { value: "x".repeat(SECRET_LIMITS.valueBytes) };
  await create(other.client, { ...big, name: "big", env_name: "BIG" });
  await expect(create(other.client, { ...big, name: "big2", env_name: "BIG2" })).rejects.toThrow(
    "environment variables may have at most",
  );
});

test("only the user reads and writes secrets; an administrator may list and change them, but gets no value", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const [ana, ben] = [await server.user(owner), await server.user(owner)];
  await ana.client.userSecretCreate({ params: me, body: { name: "n", value: "hunter22", env_name: "V" } });
  const ofAna = { user: ana.username };
  await expect(ben.client.userSecretList({ params: ofAna })).rejects.toMatchObject({ code: "not_found" });
  await expect(ben.client.userSecretDelete({ params: { ...ofAna, secret: "n" } })).rejects.toMatchObject({
    code: "not_found",
  });
  expect(await ben.client.userSecretList({ params: me })).toEqual([]);
  expect(JSON.stringify(await owner.client.userSecretList({ params: ofAna }))).not.toContain("hunter");
});

test("a start gets its owner's enabled secrets, and a stop none", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const version = await createVersion(owner);
  await daemon.run(await daemon.acquire());
  const template = await owner.client.templateCreate({
    params: { organization: "default" },
    body: { name: "echo", template_version_id: version.id },
  });
  const create = (body: { name: string; value: string; env_name: string; enabled?: boolean }) =>
    owner.client.userSecretCreate({ params: me, body });
  await create({ name: "a", value: "one", env_name: "A" });
  await create({ name: "b", value: "two", env_name: "B", enabled: false });
  const workspace = await createWorkspace(owner, template);
  const start = await daemon.acquire();
  expect(start.type.value).toMatchObject({ userSecrets: [{ envName: "A", filePath: "", value: "one" }] });
  await daemon.run(start);
  await owner.client.workspaceBuildCreate({
    params: { workspace: workspace.id },
    body: { transition: "stop" },
  });
  expect((await daemon.acquire()).type.value).toMatchObject({ userSecrets: [] });
});

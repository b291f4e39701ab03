import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readArchive, TAR_MIMETYPE } from "@fleet/provisionersdk";
import { createTestCoderd } from "../testing/coderd.js";
import {
  createTemplate,
  createVersion,
  createWorkspace,
  imported,
  ONE_AGENT,
  startProvisioner,
} from "../testing/work.js";

const organization = "default";

test("a template is created from an imported version, changed, and found by name", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const { client } = owner;
  const template = await createTemplate(owner, {
    ...ONE_AGENT,
    readme: "# Echo",
    parameters: [
      {
        name: "region",
        type: "string",
        mutable: true,
        defaultValue: "eu",
        options: [{ name: "Europe", value: "eu" }],
      },
    ],
    presets: [{ name: "Home", parameters: { region: "eu" }, isDefault: true }],
    variables: [{ name: "token", type: "string", sensitive: true, required: true }],
  });
  expect(template).toMatchObject({
    name: "echo",
    provisioner: "echo",
    deprecated: false,
    organization_name: "coder",
  });
  const params = { version: template.active_version_id };
  expect(await client.templateVersionGet({ params })).toMatchObject({
    readme: "# Echo",
    template_id: template.id,
  });
  expect(await client.templateVersionRichParameters({ params })).toMatchObject([
    { name: "region", type: "string", options: [{ name: "Europe", value: "eu" }] },
  ]);
  expect(await client.templateVersionPresets({ params })).toMatchObject([
    { Name: "Home", Parameters: [{ Name: "region", Value: "eu" }], Default: true },
  ]);
  expect(await client.templateVersionVariables({ params })).toMatchObject([
    { name: "token", sensitive: true, value: "" },
  ]);
  expect(await client.templateVersionResources({ params })).toMatchObject([
    { name: "main", workspace_transition: "start", agents: [{ name: "main" }] },
  ]);

  const changed = await client.templateUpdate({
    params: { template: template.id },
    body: {
      display_name: "Echo",
      default_ttl_ms: 3_600_000,
      autostart_requirement: { days_of_week: ["monday"] },
    },
  });
  expect(changed).toMatchObject({ name: "echo", display_name: "Echo", default_ttl_ms: 3_600_000 });
  const byName = await client.templateGetByName({ params: { organization, templateName: "ECHO" } });
  expect(byName).toMatchObject({ id: template.id, autostart_requirement: { days_of_week: ["monday"] } });
});

test("a version inherits variable values from the active version", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const { client } = owner;
  const variables = ["region", "size", "fresh"].map((name) => ({ name, type: "string", required: true }));
  const push = async (
    echo: typeof ONE_AGENT,
    template_id: string | undefined,
    values: Record<string, string>,
  ) => {
    const user_variable_values = Object.entries(values).map(([name, value]) => ({ name, value }));
    const version = await createVersion(owner, echo, {
      user_variable_values,
      ...(template_id && { template_id }),
    });
    const { id } = await imported(owner, version);
    const known = await client.templateVersionVariables({ params: { version: id } });
    return { id, values: Object.fromEntries(known.map(({ name, value }) => [name, value])) };
  };
  const first = await push({ ...ONE_AGENT, variables: variables.slice(0, 2) }, undefined, {
    region: "eu",
    size: "1",
  });
  const template = await client.templateCreate({
    params: { organization },
    body: { name: "kept", template_version_id: first.id },
  });
  const second = await push({ ...ONE_AGENT, variables }, template.id, { size: "2", fresh: "yes" });
  expect(second.values).toEqual({ region: "eu", size: "2", fresh: "yes" });
  // The version is not active, so its values are not kept.
  const third = await push({ ...ONE_AGENT, variables: variables.slice(0, 2) }, template.id, {});
  expect(third.values).toEqual({ region: "eu", size: "1" });
});

test("invalid settings are reported at their field", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const create = (name: string, id: string) =>
    owner.client.templateCreate({ params: { organization }, body: { name, template_version_id: id } });
  const version = await createVersion(owner);
  const field = (name: string) => ({ code: "invalid_argument", validations: [{ field: name }] });
  await expect(create("echo", version.id)).rejects.toMatchObject(field("template_version_id"));
  await daemon.run(await daemon.acquire());
  await imported(owner, version);
  await expect(create("not a name", version.id)).rejects.toMatchObject(field("name"));
  const template = await create("echo", version.id);
  const update = (body: object) => owner.client.templateUpdate({ params: { template: template.id }, body });
  await expect(update({ default_ttl_ms: -1 })).rejects.toMatchObject(field("default_ttl_ms"));
  await expect(update({ autostart_requirement: { days_of_week: ["someday"] } })).rejects.toMatchObject(
    field("autostart_requirement"),
  );
  const other = await createVersion(owner);
  await daemon.run(await daemon.acquire());
  await imported(owner, other);
  await expect(create("Echo", other.id)).rejects.toMatchObject({
    code: "conflict",
    validations: [{ field: "name" }],
  });
});

test("versions are promoted, archived and rejected by name", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const { client } = owner;
  const template = await createTemplate(owner);
  const params = { template: template.id };
  const second = await imported(
    owner,
    await createVersion(owner, ONE_AGENT, { name: "v2", template_id: template.id }),
  );
  const broken = await imported(
    owner,
    await createVersion(
      owner,
      { plan: { error: "No such provider." } },
      { name: "v3", template_id: template.id },
    ),
  );
  expect(broken.job).toMatchObject({ status: "failed", error: "No such provider." });
  await expect(
    createVersion(owner, ONE_AGENT, { name: "v2", template_id: template.id }),
  ).rejects.toMatchObject({
    code: "conflict",
  });
  await expect(client.templateVersionPromote({ params, body: { id: broken.id } })).rejects.toMatchObject({
    code: "invalid_argument",
  });
  await client.templateVersionPromote({ params, body: { id: second.id } });
  expect((await client.templateGet({ params })).active_version_id).toBe(second.id);
  const archived = await client.templateVersionArchiveUnused({ params, body: {} });
  expect(archived).toEqual({ template_id: template.id, archived_ids: [broken.id] });
  const names = (await client.templateVersionList({ params })).map(({ name }) => name);
  expect(names).toHaveLength(2);
  const previous = await client.templateVersionPrevious({
    params: { organization, templateName: "echo", versionName: "v2" },
  });
  expect(previous!.id).toBe(template.active_version_id);
  const first = { organization, templateName: "echo", versionName: previous!.name };
  expect(await client.templateVersionPrevious({ params: first })).toBeUndefined();
});

test("a template with workspaces cannot be deleted", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  await createWorkspace(owner, template);
  await expect(owner.client.templateDelete({ params: { template: template.id } })).rejects.toMatchObject({
    code: "failed_precondition",
    message: expect.stringMatching(/workspace/),
  });
});

test("a user in none of a template's groups cannot see it", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const member = await server.user(owner);
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  const params = { template: template.id };
  expect(await member.client.templateList()).toHaveLength(1);
  await expect(member.client.templateUpdate({ params, body: { icon: "x" } })).rejects.toMatchObject({
    code: "permission_denied",
  });
  await expect(createWorkspace(member, template)).resolves.toMatchObject({ owner_id: member.id });
  await owner.client.templateUpdate({ params, body: { disable_everyone_group_access: true } });
  expect(await member.client.templateList()).toEqual([]);
  await expect(member.client.templateGet({ params })).rejects.toMatchObject({ code: "not_found" });
});

test("files are downloaded unchanged or as a zip", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const member = await server.user(owner);
  const version = await createVersion(owner, { readme: "hello" });
  const params = { file: version.job.file_id };
  const zip = await owner.client.fileDownload({ params, query: { format: "zip" } });
  const entries = await readArchive(new Uint8Array(await zip.arrayBuffer()), "application/zip");
  expect(entries.map(({ path }) => path).sort()).toEqual(["README.md", "echo.json"]);
  await expect(member.client.fileDownload({ params })).rejects.toMatchObject({ code: "not_found" });
  const garbage = { body: new Uint8Array([1, 2, 3]), contentType: TAR_MIMETYPE } as const;
  await expect(owner.client.fileUpload(garbage as never)).rejects.toMatchObject({ code: "invalid_argument" });
});

test("a starter template is imported by its name", async () => {
  const folder = await mkdtemp(join(tmpdir(), "examples-"));
  await mkdir(join(folder, "local"));
  const readme =
    '---\ndisplay_name: On this machine\ndescription: >-\n  A process\n  tree.\nicon: /icon.svg # drawn here\ntags:\n  - local\n  - "linux"\n---\n# Local\n';
  await writeFile(join(folder, "local", "README.md"), readme);
  await writeFile(join(folder, "local", "echo.json"), "{}");
  await mkdir(join(folder, "other"));
  const broken = "---\ndescription: [never closed\n---\n# Other\n";
  await writeFile(join(folder, "other", "README.md"), broken);
  try {
    await using server = await createTestCoderd({ env: { CODER_TEMPLATES_DIR: folder } });
    const owner = await server.owner();
    await using daemon = await startProvisioner(server);
    daemon.serve();
    expect(await owner.client.templateExampleList()).toEqual([
      {
        id: "local",
        url: "",
        name: "On this machine",
        description: "A process tree.",
        icon: "/icon.svg",
        tags: ["local", "linux"],
        markdown: "# Local",
      },
      // Front matter that is not YAML stays in the text.
      { id: "other", url: "", name: "other", description: "", icon: "", tags: [], markdown: broken.trim() },
    ]);
    const create = (example_id: string) =>
      owner.client.templateVersionCreate({
        params: { organization },
        body: { example_id, provisioner: "echo" },
      });
    expect((await imported(owner, await create("local"))).job.status).toBe("succeeded");
    await expect(create("../etc")).rejects.toMatchObject({ validations: [{ field: "example_id" }] });
  } finally {
    await rm(folder, { recursive: true });
  }
});

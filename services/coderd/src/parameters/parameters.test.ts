import { createTestCoderd } from "../testing/coderd.js";
import {
  built,
  createTemplate,
  createVersion,
  createWorkspace,
  imported,
  ONE_AGENT,
  startProvisioner,
} from "../testing/work.js";

// The rules are tested in @fleet/parameters; this tests that the API applies them.

async function start() {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd());
  const owner = await server.owner();
  stack.use(await startProvisioner(server)).serve();
  return { owner, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const values = (given: Record<string, string>) =>
  Object.entries(given).map(([name, value]) => ({ name, value }));

test("a template's pattern is RE2, and a long text is accepted", async () => {
  await using test = await start();
  const validation = { regex: "(?i)\\A[[:alpha:]]+\\z", error: "Letters only." };
  const template = await createTemplate(test.owner, {
    ...ONE_AGENT,
    parameters: [
      { name: "word", type: "string", mutable: true, defaultValue: "Abc", validation },
      { name: "kubeconfig", type: "string", mutable: true, formType: "textarea" },
    ],
  });
  const wrong = createWorkspace(test.owner, template, { rich_parameter_values: values({ word: "a1" }) });
  await expect(wrong).rejects.toMatchObject({
    message: 'Parameter "word": Letters only.',
    validations: [{ field: "word", detail: "Letters only." }],
  });
  const given = { kubeconfig: "x".repeat(200_000), word: "Abc" };
  const workspace = await createWorkspace(test.owner, template, { rich_parameter_values: values(given) });
  const build = await built(test.owner, workspace);
  expect(build.status).toBe("running");
  const stored = await test.owner.client.workspaceBuildParameters({ params: { build: build.id } });
  expect(stored).toEqual(values(given));
});

test("a preset's value overrides the one given with it", async () => {
  await using test = await start();
  const template = await createTemplate(test.owner, {
    ...ONE_AGENT,
    parameters: [{ name: "size", type: "string", mutable: true, defaultValue: "s" }],
    presets: [{ name: "Large", parameters: { size: "l" } }],
  });
  const [preset] = await test.owner.client.templateVersionPresets({
    params: { version: template.active_version_id },
  });
  const workspace = await test.owner.client.workspaceCreate({
    params: { user: "me" },
    body: {
      name: "dev",
      template_id: template.id,
      template_version_preset_id: preset!.ID,
      rich_parameter_values: values({ size: "m" }),
    },
  });
  const { id } = workspace.latest_build;
  expect(await test.owner.client.workspaceBuildParameters({ params: { build: id } })).toEqual(
    values({ size: "l" }),
  );
});

test("if the option of an immutable value is removed, another one can be chosen", async () => {
  await using test = await start();
  const { client } = test.owner;
  const region = (...offered: string[]) => ({
    ...ONE_AGENT,
    parameters: [
      {
        name: "region",
        type: "string",
        required: true,
        options: offered.map((value) => ({ name: value, value })),
      },
    ],
  });
  const template = await createTemplate(test.owner, region("eu", "us"));
  const workspace = await createWorkspace(test.owner, template, {
    rich_parameter_values: values({ region: "eu" }),
  });
  await built(test.owner, workspace);
  const params = { workspace: workspace.id };
  const build = (rich_parameter_values: { name: string; value: string }[], version?: string) =>
    client.workspaceBuildCreate({
      params,
      body: {
        transition: "start",
        rich_parameter_values,
        ...(version ? { template_version_id: version } : {}),
      },
    });
  await expect(build(values({ region: "us" }))).rejects.toThrow(/Cannot be changed/);
  const version = await imported(
    test.owner,
    await createVersion(test.owner, region("us", "ap"), { template_id: template.id }),
  );
  await expect(build([], version.id)).rejects.toThrow(/Must be one of: us, ap/);
  const moved = await build(values({ region: "us" }), version.id);
  expect(await client.workspaceBuildParameters({ params: { build: moved.id } })).toEqual(
    values({ region: "us" }),
  );
});

import { create } from "@bufbuild/protobuf";
import { nullLogger } from "@fleet/base";
import type { CallContext } from "@fleet/proto-gen";
import { secretEnvName, secretFileEnvName } from "./environment.js";
import { DynamicValueSchema, ReadDataSource_RequestSchema } from "./gen/tfplugin5_pb.js";
import { createProvider } from "./provider.js";
import { hostedClient, plan, read, validate } from "./testing/ask.js";
import { encodeValue, UNKNOWN, type Values } from "./wire/value.js";

// What upstream refuses is refused: conformance.test.ts. Here is how it is said, and where, and what is ours alone.

test("arguments and blocks that hold unknown values are not validated, and their deprecations are not reported", async () => {
  const warnings = async (config: Values) => {
    await using hosted = await hostedClient();
    const request = { typeName: "coder_ai_task", config: encodeValue(config) };
    const { diagnostics } = await hosted.client.validateResourceTypeConfig(request);
    return diagnostics.map(({ summary }) => summary);
  };
  expect(await warnings({ sidebar_app: [{ id: UNKNOWN }] })).toEqual(["Deprecated Resource"]);
  expect(await warnings({ app_id: UNKNOWN })).toEqual(["Deprecated Resource"]);
  const id = "8b6f1a1e-5a0c-4c6e-9a55-0d6f3a3c5b10";
  expect(await warnings({ sidebar_app: [{ id }] })).toEqual([
    "Argument is deprecated",
    "Argument is deprecated",
    "Deprecated Resource",
  ]);
  const metadata = [
    { key: "a", script: UNKNOWN, interval: 1 },
    { key: "b", script: "b", interval: 1 },
  ];
  expect(await validate("resource", "coder_agent", { os: "linux", arch: "amd64", metadata })).toEqual([]);
});

describe("an error names the attribute path", () => {
  test("an attribute", async () => {
    expect(await validate("resource", "coder_app", { agent_id: "a", slug: "Not_A_Slug" })).toEqual([
      {
        summary: expect.stringContaining('"Not_A_Slug" is not a valid slug') as string,
        detail: "",
        path: "slug",
      },
    ]);
  });

  test("an attribute of a block in a list", async () => {
    const rules = [
      { run: ["a"], after: ["b"], phase: "start" },
      { run: ["a"], after: ["b"], phase: "noon" },
    ];
    expect(await validate("dataSource", "coder_script_order", { rule: rules })).toEqual([
      {
        summary: '"rule.1.phase" must be one of "start", "stop", not "noon".',
        detail: "",
        path: "rule.1.phase",
      },
    ]);
  });

  test("the set, because a block in a set has no position", async () => {
    const monitoring = [{ memory: [{ enabled: true, threshold: 101 }], volume: [] }];
    const errors = await validate("resource", "coder_agent", {
      os: "linux",
      arch: "amd64",
      resources_monitoring: monitoring,
    });
    expect(errors).toEqual([
      {
        summary: '"resources_monitoring.0.memory.0.threshold" must be between 0 and 100, not 101.',
        detail: "",
        path: "resources_monitoring",
      },
    ]);
  });

  test("the invalid option", async () => {
    const option = [
      { name: "one", value: "1" },
      { name: "two", value: "zwei" },
    ];
    const { errors } = await read("coder_parameter", { name: "n", type: "number", option });
    expect(errors).toEqual([
      {
        summary: 'The value "zwei" of the option "two" is not a number.',
        detail: "",
        path: "option.1.value",
      },
    ]);
  });
});

test("unknown values are not validated", async () => {
  const unknown = { agent_id: UNKNOWN, slug: UNKNOWN, url: UNKNOWN, external: true };
  expect(await validate("resource", "coder_app", unknown)).toEqual([]);
  expect((await plan("coder_app", unknown)).errors).toEqual([]);
});

test("a fraction is rejected where an integer is expected", async () => {
  const errors = await validate("resource", "coder_app", { agent_id: "a", slug: "a", order: 1.5 });
  expect(errors).toEqual([{ summary: '"order" must be a whole number.', detail: "", path: "order" }]);
});

test("the computed id cannot be set", async () => {
  const errors = await validate("resource", "coder_env", { agent_id: "a", name: "A", id: "mine" });
  expect(errors.map(({ path }) => path)).toEqual(["id"]);
});

test("a script that never runs is rejected at plan", async () => {
  const { errors } = await plan("coder_script", { agent_id: "a", display_name: "d", script: "s" });
  expect(errors.map(({ summary }) => summary)).toEqual([
    'Set at least one of "run_on_start", "run_on_stop" or "cron".',
  ]);
});

test("a resource monitor without a threshold is rejected at the first plan", async () => {
  const config = { os: "linux", arch: "amd64", resources_monitoring: [{ memory: [], volume: [] }] };
  const { errors } = await plan("coder_agent", config);
  expect(errors.map(({ path }) => path)).toEqual(["resources_monitoring"]);
});

test("an unknown resource type is an error, not a crash", async () => {
  expect((await plan("coder_teapot", {})).errors.map(({ summary }) => summary)).toEqual([
    'The coder provider has no resource "coder_teapot".',
  ]);
  expect((await plan("constructor", {})).errors).toHaveLength(1);
  const told = await validate("dataSource", "coder_teapot", {});
  expect(told.map(({ summary }) => summary)).toEqual([
    'The coder provider has no data source "coder_teapot".',
  ]);
});

test("an internal error is reported as such, and logged", async () => {
  const logged: string[] = [];
  const logger = { ...nullLogger, error: (message: string) => void logged.push(message) };
  const provider = createProvider({ env: {}, logger });
  const config = create(DynamicValueSchema, { msgpack: new Uint8Array([0xc1]) }); // a byte that msgpack never uses
  const request = create(ReadDataSource_RequestSchema, { typeName: "coder_workspace", config });
  const response = await provider.readDataSource(request, {} as CallContext);
  expect(response.diagnostics).toMatchObject([
    { summary: expect.stringContaining("Internal error in the coder provider.") },
  ]);
  expect(logged).toEqual(["Provider error"]);
});

describe("coder_secret", () => {
  const started = { CODER_WORKSPACE_BUILD_ID: "b", CODER_WORKSPACE_TRANSITION: "start" };

  test("is read from its variable or its file", async () => {
    const byEnv = await read(
      "coder_secret",
      { env: "TOKEN", help_message: "h" },
      { [secretEnvName("TOKEN")]: "one" },
    );
    expect(byEnv.state.value).toBe("one");
    const env = { [secretFileEnvName("~/.npmrc")]: "two" };
    const byFile = await read("coder_secret", { file: "~/.npmrc", help_message: "h" }, env);
    expect(byFile.state.value).toBe("two");
  });

  test("fails a start if the owner has no such secret, with the template's help message", async () => {
    const { errors } = await read("coder_secret", { env: "TOKEN", help_message: "Add it." }, started);
    expect(errors).toEqual([
      {
        summary: "The workspace requires a secret for the variable TOKEN, which is not stored yet.",
        detail: "Add it.",
        path: "env",
      },
    ]);
  });

  test("is empty otherwise if it is missing", async () => {
    const config = { env: "TOKEN", help_message: "h" };
    expect((await read("coder_secret", config, {})).state.value).toBe("");
    const stopping = { ...started, CODER_WORKSPACE_TRANSITION: "stop" };
    expect((await read("coder_secret", config, stopping)).state.value).toBe("");
  });

  test.each([{}, { env: "A", file: "b" }])("requires exactly one of the two: %j", async (named) => {
    const config = { env: null, file: null, help_message: "h", ...named };
    expect(await validate("dataSource", "coder_secret", config)).toHaveLength(1);
  });
});

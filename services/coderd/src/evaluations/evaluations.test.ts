import { once } from "node:events";
import type { EchoTemplate } from "@fleet/provisionersdk";
import type { DynamicParametersResponse } from "@fleet/sdk";
import { waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import { createTestCoderd, type TestCoderd, type TestUser } from "../testing/coderd.js";
import type { TestProvisioner } from "../testing/provisioner.js";
import {
  built,
  createTemplate,
  createVersion,
  createWorkspace,
  imported,
  startProvisioner,
} from "../testing/work.js";

const ides = { name: "ides", type: "string", defaultValue: "code", mutable: true };
const jetbrains = { name: "jetbrains", type: "string", defaultValue: "goland", mutable: true };
const token = { name: "token", type: "string", defaultValue: "", mutable: true, ephemeral: true };

/** With "jetbrains" among the IDEs, there is another parameter; administrators get one that is required. */
const DYNAMIC: EchoTemplate = {
  parameters: [ides],
  presets: [{ name: "JetBrains", parameters: { ides: "jetbrains", jetbrains: "rider" } }],
  workspaceTags: { zone: "eu" },
  evaluations: [
    { when: { ides: "jetbrains" }, parameters: [ides, jetbrains], workspaceTags: { zone: "us" } },
    {
      when: { ides: "broken" },
      diagnostics: [{ severity: 1, summary: "Invalid index", detail: "main.tf:7" }],
    },
    { when: { ides: "later" }, partial: true, parameters: [token] },
    { when: { ides: "slow" }, delayMs: 60_000 },
    { when: { token: "once" }, parameters: [ides, token, { ...jetbrains, name: "with token" }] },
    { when: {}, group: "admins", parameters: [ides, { name: "project", type: "string", required: true }] },
  ],
};
const WITH_ZONES: Partial<Parameters<typeof startProvisioner>[1]> = { evaluationSlots: 2 };

type World = { server: TestCoderd; owner: TestUser; daemon: TestProvisioner };

async function createWorld(): Promise<World & AsyncDisposable> {
  const server = await createTestCoderd();
  const owner = await server.owner();
  const daemon = await startProvisioner(server, WITH_ZONES);
  daemon.serve();
  return {
    server,
    owner,
    daemon,
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const form = ({ parameters, diagnostics }: DynamicParametersResponse) => ({
  values: Object.fromEntries(
    parameters.map(({ name, value }) => [name, value.valid ? value.value : undefined]),
  ),
  diagnostics: diagnostics.map(({ summary }) => summary),
});

const values = (given: Record<string, string>) =>
  Object.entries(given).map(([name, value]) => ({ name, value }));

test("a form is evaluated for its inputs and its owner, on the stream as by a single request", async () => {
  await using world = await createWorld();
  const { server, owner, daemon } = world;
  const version = await imported(owner, await createVersion(owner, DYNAMIC));
  const params = { version: version.id };
  const group = await owner.client.groupCreate({
    params: { organization: "default" },
    body: { name: "admins" },
  });
  const ana = await server.user(owner, { username: "ana" });
  await owner.client.groupUpdate({
    params: { group: group.id },
    body: { add_users: [ana.id], remove_users: [] },
  });

  const exchange = owner.client.templateVersionDynamicParameters({ params });
  const answers = exchange[Symbol.asyncIterator]();
  const next = async () => (await answers.next()).value as DynamicParametersResponse;
  const first = await next();
  expect(first.id).toBe(-1);
  expect(form(first)).toEqual({ values: { ides: "code" }, diagnostics: [] });
  exchange.send({ id: 1, inputs: { ides: "jetbrains" } });
  const second = await next();
  expect([second.id, form(second).values]).toEqual([1, { ides: "jetbrains", jetbrains: "goland" }]);
  exchange.send({ id: 2, inputs: {}, owner_id: ana.id });
  const third = await next();
  expect(form(third).values).toEqual({ ides: "code", project: undefined });
  expect(third.parameters[1]!.diagnostics).toMatchObject([
    { severity: "error", extra: { code: "required" } },
  ]);
  await answers.return?.();

  const single = await owner.client.templateVersionDynamicParametersEvaluate({
    params,
    body: { id: 7, inputs: { ides: "jetbrains" } },
  });
  expect([single.id, form(single).values]).toEqual([7, { ides: "jetbrains", jetbrains: "goland" }]);
  // The same question is not asked twice.
  expect(daemon.evaluations).toHaveLength(3);
  expect(daemon.evaluations.every(({ metadata }) => metadata!.ownerSessionToken === "")).toBe(true);

  const stranger = ana.client.templateVersionDynamicParametersEvaluate({
    params,
    body: { id: 1, inputs: {}, owner_id: owner.id },
  });
  await expect(stranger).rejects.toMatchObject({ code: "not_found" });
});

test("a message that is not valid closes the stream with what is wrong with it", async () => {
  await using world = await createWorld();
  const { owner } = world;
  const version = await imported(owner, await createVersion(owner, DYNAMIC));
  const path = `/api/v2/templateversions/${version.id}/dynamic-parameters`;
  const socket = new WebSocket(`${world.server.coderd.httpUrl.replace("http", "ws")}${path}`, {
    headers: { "Coder-Session-Token": owner.token },
  });
  await once(socket, "open");
  socket.send(JSON.stringify({ id: "x", inputs: {} }));
  const [code, reason] = await once(socket, "close");
  expect([code, String(reason)]).toEqual([1007, expect.stringMatching(/^id: /)]);
});

test("a reader that leaves cancels what is evaluated for it, and its slot is free again", async () => {
  await using world = await createWorld();
  const { owner, daemon } = world;
  const version = await imported(owner, await createVersion(owner, DYNAMIC));
  const reader = new AbortController();
  const exchange = owner.client.templateVersionDynamicParameters({
    params: { version: version.id },
    signal: reader.signal,
  });
  exchange.send({ id: 1, inputs: { ides: "slow" } });
  (async () => {
    for await (const _ of exchange);
  })().catch(() => {});
  await waitFor(() => daemon.evaluations.some((one) => one.richParameterValues[0]?.value === "slow"), {
    what: "the evaluation",
  });
  reader.abort();
  const { id } = daemon.evaluations.find((one) => one.richParameterValues[0]?.value === "slow")!;
  await waitFor(() => daemon.canceledEvaluations.includes(id), { what: "the evaluation to be canceled" });
});

test("another replica's daemon evaluates, and without any daemon the form says so", async () => {
  await using world = await createWorld();
  const { server, owner, daemon } = world;
  const version = await imported(owner, await createVersion(owner, DYNAMIC));
  const other = await server.replica();
  const evaluate = async (inputs: Record<string, string>) => {
    const response = await fetch(
      `${other.httpUrl}/api/v2/templateversions/${version.id}/dynamic-parameters/evaluate`,
      {
        method: "POST",
        headers: { "Coder-Session-Token": owner.token, "Content-Type": "application/json" },
        body: JSON.stringify({ id: 1, inputs }),
      },
    );
    expect(response.status).toBe(200);
    return form((await response.json()) as DynamicParametersResponse);
  };
  expect(await evaluate({ ides: "jetbrains" })).toEqual({
    values: { ides: "jetbrains", jetbrains: "goland" },
    diagnostics: [],
  });
  expect(daemon.evaluations).toHaveLength(1);
  await daemon[Symbol.asyncDispose]();
  expect((await evaluate({ ides: "new" })).diagnostics).toEqual([
    "No provisioner without tags is connected, so the parameters cannot be evaluated. Ask an administrator to start one.",
  ]);
}, 20_000);

test("a build's values are those that its own values ask for, and its job has their tags", async () => {
  await using world = await createWorld();
  const { server, owner } = world;
  await using us = await startProvisioner(server, { ...WITH_ZONES, tags: { zone: "us" } });
  us.serve();
  const template = await createTemplate(owner, DYNAMIC);
  const presets = await owner.client.templateVersionPresets({
    params: { version: template.active_version_id },
  });

  const workspace = await createWorkspace(owner, template, {
    rich_parameter_values: values({ ides: "jetbrains", jetbrains: "clion" }),
  });
  const start = await built(owner, workspace);
  expect(start.job.tags).toMatchObject({ zone: "us" });
  const parametersOf = async (build: { id: string }) => {
    const found = await owner.client.workspaceBuildParameters({ params: { build: build.id } });
    return Object.fromEntries(found.map(({ name, value }) => [name, value]));
  };
  expect(await parametersOf(start)).toEqual({ ides: "jetbrains", jetbrains: "clion" });

  // A stop runs where the start ran, with what the workspace has, and no evaluation.
  const params = { workspace: workspace.id };
  await owner.client.workspaceBuildCreate({ params, body: { transition: "stop" } });
  const stop = await built(owner, workspace);
  expect([stop.job.tags.zone, await parametersOf(stop)]).toEqual([
    "us",
    { ides: "jetbrains", jetbrains: "clion" },
  ]);

  const preset = await owner.client.workspaceCreate({
    params: { user: "me" },
    body: { name: "preset", template_id: template.id, template_version_preset_id: presets[0]!.ID },
  });
  expect(await parametersOf(await built(owner, preset))).toEqual({ ides: "jetbrains", jetbrains: "rider" });
});

test("a value that is not asked for, and a template that cannot be evaluated, are refused", async () => {
  await using world = await createWorld();
  const { owner } = world;
  const template = await createTemplate(owner, DYNAMIC);
  const create = (given: Record<string, string>) =>
    createWorkspace(owner, template, { name: "refused", rich_parameter_values: values(given) });
  await expect(create({ jetbrains: "clion" })).rejects.toMatchObject({
    code: "invalid_argument",
    validations: [{ field: "jetbrains", detail: "The template does not define this parameter." }],
  });
  await expect(create({ ides: "broken" })).rejects.toMatchObject({
    message: "The template's parameters could not be evaluated: Invalid index",
  });
  const { count } = await owner.client.workspaceList({});
  expect(count).toBe(0);
});

test("a value for once is not carried into the next start, nor what it asked for", async () => {
  await using world = await createWorld();
  const { server, owner } = world;
  await using eu = await startProvisioner(server, { ...WITH_ZONES, tags: { zone: "eu" } });
  eu.serve();
  const template = await createTemplate(owner, DYNAMIC);
  const workspace = await createWorkspace(owner, template, {
    rich_parameter_values: values({ token: "once", "with token": "x" }),
  });
  const parametersOf = async () => {
    const { id } = await built(owner, workspace);
    const found = await owner.client.workspaceBuildParameters({ params: { build: id } });
    return Object.fromEntries(found.map(({ name, value }) => [name, value]));
  };
  expect(await parametersOf()).toEqual({ ides: "code", token: "once", "with token": "x" });
  const params = { workspace: workspace.id };
  await owner.client.workspaceBuildCreate({ params, body: { transition: "start" } });
  expect(await parametersOf()).toEqual({ ides: "code" });
});

test("what an evaluation cannot tell before a build is as the import found it", async () => {
  await using world = await createWorld();
  const { owner } = world;
  const version = await imported(owner, await createVersion(owner, DYNAMIC));
  const answer = await owner.client.templateVersionDynamicParametersEvaluate({
    params: { version: version.id },
    body: { id: 1, inputs: { ides: "later" } },
  });
  expect(form(answer).values).toEqual({ token: "", ides: "later" });
});

test("with the classic flow, the parameters are those of the import", async () => {
  await using world = await createWorld();
  const { owner, daemon } = world;
  const template = await createTemplate(owner, { ...DYNAMIC, workspaceTags: {} });
  await owner.client.templateUpdate({
    params: { template: template.id },
    body: { use_classic_parameter_flow: true },
  });
  const workspace = await createWorkspace(owner, template, {
    rich_parameter_values: values({ ides: "jetbrains" }),
  });
  const build = await built(owner, workspace);
  expect(await owner.client.workspaceBuildParameters({ params: { build: build.id } })).toEqual([
    { name: "ides", value: "jetbrains" },
  ]);
  expect(daemon.evaluations).toEqual([]);
});

test("a start without a provisioner that evaluates is refused in seconds, and may be retried", async () => {
  await using world = await createWorld();
  const { owner, daemon } = world;
  const template = await createTemplate(owner, DYNAMIC);
  await daemon[Symbol.asyncDispose]();
  await expect(createWorkspace(owner, template)).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringMatching(/^No provisioner/),
  });
}, 20_000);

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ResourceSchema, SharingLevel } from "@fleet/proto-gen/provisioner";
import { parseGraph } from "./dot.js";
import { type Instance, instancesOfPlan, instancesOfState } from "./instances.js";
import { externalAuthProvidersOf, parametersOf, presetsOf, workspaceTagsOf } from "./parameters.js";
import { resourcesOf } from "./resources.js";

// The output of terraform 1.11.4 with coder/coder 2.20.0 for fixtures/main.tf.
const fixture = (name: string) => readFileSync(join(import.meta.dirname, "fixtures", name));
const graph = parseGraph(fixture("graph.dot").toString());
const state = instancesOfState(fixture("terraform.tfstate"));
const plan = instancesOfPlan(fixture("plan.json"));

function managed(type: string, name: string, values: Instance["values"] = {}, index?: number): Instance {
  const label = `${type}.${name}`;
  const address = index === undefined ? label : `${label}[${index}]`;
  return { address, label, modulePath: "", mode: "managed", type, name, index, provider: "", values };
}

test.each([
  ["the applied state", state],
  ["the plan", plan],
])("%s: each agent gets its machine, apps, scripts and variables", (_what, instances) => {
  const resources = resourcesOf(instances, graph);
  expect(resources.map((resource) => [resource.address, resource.agents!.length])).toEqual([
    ["terraform_data.home", 0],
    ["terraform_data.process[0]", 1],
  ]);
  const [, process] = resources;
  expect(process).toMatchObject({ dailyCost: 12, icon: "/icon/x.svg" });
  expect(process!.metadata).toMatchObject([
    { key: "image", value: "debian", sensitive: false },
    { key: "secret", value: "hunter2", sensitive: true },
  ]);
  const [agent] = process!.agents!;
  expect(agent).toMatchObject({
    name: "dev",
    operatingSystem: "linux",
    architecture: "amd64",
    directory: "/home/coder",
    environment: { A: "1" },
    order: 3n,
    displayApps: { vscode: false, webTerminal: true },
    metadata: [
      {
        key: "load",
        displayName: "Load",
        script: "uptime",
        intervalSeconds: 10n,
        timeoutSeconds: 2n,
        order: 1n,
      },
    ],
    resourcesMonitoring: {
      memory: { enabled: true, threshold: 80 },
      volumes: [{ path: "/home", threshold: 90 }],
    },
    extraEnvs: [{ name: "B", value: "2", mergeStrategy: "replace" }],
  });
  expect(agent!.apps).toMatchObject([
    {
      slug: "web",
      displayName: "Web",
      subdomain: true,
      sharingLevel: SharingLevel.AUTHENTICATED,
      healthcheck: { url: "http://localhost:8080/healthz", intervalSeconds: 5, threshold: 6 },
    },
    { slug: "code", displayName: "code", sharingLevel: SharingLevel.OWNER },
  ]);
  expect(agent!.scripts).toMatchObject([
    { displayName: "Startup Script", script: "echo hi", runOnStart: true, startBlocksLogin: true },
    { displayName: "Shutdown Script", script: "echo bye", runOnStop: true },
    { displayName: "Setup", script: "make setup", timeoutSeconds: 60 },
    { displayName: "Code" },
  ]);
});

test("an applied agent has its id and token; a planned one has neither yet", () => {
  const agentOf = (instances: Instance[]) => resourcesOf(instances, graph)[1]!.agents![0];
  expect(agentOf(state)).toMatchObject({
    id: "5ea96e68-b360-4a1a-b0de-91c3e0063fbc",
    auth: { case: "token", value: "e3a30d77-fbec-4f81-b814-be12a1e45a77" },
  });
  expect(agentOf(plan)).toMatchObject({ id: "", auth: { case: undefined } });
});

test("parameters and presets are read from the data sources", () => {
  expect(parametersOf(plan)).toMatchObject([
    {
      name: "image",
      required: false,
      defaultValue: "debian",
      formType: "radio",
      options: [{ value: "debian" }, { value: "ubuntu" }],
    },
    { name: "cpu", type: "number", order: 2n, validation: { min: 1n, max: 8n, monotonic: "increasing" } },
  ]);
  expect(presetsOf(plan)).toMatchObject([
    { name: "Large", isDefault: true, parameters: { cpu: "8", image: "ubuntu" }, prebuildInstances: 1 },
  ]);
  expect(externalAuthProvidersOf(plan)).toEqual([{ id: "github", optional: true }]);
  expect(workspaceTagsOf(plan)).toEqual({ zone: "fra" });
});

test("an agent belongs to the nearest machine (the first by name among equals), and each instance to its own", () => {
  const dot = `
    "[root] vm.b (expand)" -> "[root] coder_agent.x (expand)"
    "[root] vm.a (expand)" -> "[root] coder_agent.x (expand)"
    "[root] dns.z (expand)" -> "[root] vm.b (expand)"`;
  const instances = [0, 1].flatMap((index) => [
    managed("coder_agent", "x", {}, index),
    managed("vm", "a", {}, index),
    managed("vm", "b", {}, index),
    managed("dns", "z", {}, index),
  ]);
  const found = resourcesOf(instances, parseGraph(dot)).filter((resource) => resource.agents!.length > 0);
  expect(found.map((resource) => resource.address)).toEqual(["vm.a[0]", "vm.a[1]"]);
});

test("an agent of a stopped machine is omitted", () => {
  const stopped = state.filter((instance) => instance.address !== "terraform_data.process[0]");
  expect(resourcesOf(stopped, graph).flatMap((resource) => resource.agents)).toEqual([]);
});

test("an agent without a token uses instance identity", () => {
  const instances = [
    managed("coder_agent", "x", { auth: "aws-instance-identity", token: "unused" }),
    managed("aws_instance", "m", { id: "i-123", instance_type: "t3.large" }),
  ];
  const [machine] = resourcesOf(instances, parseGraph('"aws_instance.m" -> "coder_agent.x";'));
  expect(machine).toMatchObject({
    instanceType: "t3.large",
    agents: [{ auth: { case: "instanceId", value: "i-123" } }],
  });
});

test.each([
  ["an agent's name", [managed("coder_agent", "my_agent")], 'The agent name "my_agent"'],
  ["two agents of one name", [managed("coder_agent", "dev"), managed("coder_agent", "DEV")], "Agent name"],
  ["an app's slug", [managed("coder_app", "x", { slug: "Bad Slug" })], 'The app slug "Bad Slug"'],
  [
    "two apps of one slug",
    [managed("coder_app", "x", { slug: "web" }), managed("coder_app", "y", { slug: "web" })],
    'App slug "web" is used more than once',
  ],
])("%s is rejected", (_what, instances, message) => {
  expect(() => resourcesOf(instances, parseGraph(""))).toThrow(message);
});

test("numbers that no message can hold are clamped", () => {
  const instances = [
    managed("coder_agent", "x", { connection_timeout: 1e12 }),
    managed("vm", "m"),
    managed("coder_metadata", "m", { daily_cost: -1e300 }),
  ];
  const dot = parseGraph('"vm.m" -> "coder_agent.x";\n"coder_metadata.m" -> "vm.m";');
  const [vm] = resourcesOf(instances, dot).map((resource) => create(ResourceSchema, resource));
  expect(fromBinary(ResourceSchema, toBinary(ResourceSchema, vm!))).toMatchObject({
    dailyCost: -2147483647,
    agents: [{ connectionTimeoutSeconds: 2147483647 }],
  });
});

test("a script order that names a missing key does not fail a build, whose resources exist already", () => {
  const script = (key: string) => ({
    ...managed("coder_script", "s", { agent_id: "a", run_on_start: true }),
    address: `coder_script.s["${key}"]`,
    index: key,
  });
  const order: Instance = {
    ...managed("coder_script_order", "o", {
      rule: [{ run: ['coder_script.s["two"]'], after: ['coder_script.s["one"]'] }],
    }),
    mode: "data",
  };
  const instances = [managed("coder_agent", "x", { id: "a" }), managed("vm", "m"), script("one"), order];
  const graph = parseGraph('"vm.m" -> "coder_agent.x";');
  expect(resourcesOf(instances, graph)[0]!.agents![0]!.scripts).toMatchObject([{ after: [] }]);
  const declared = { has: () => true, reference: () => undefined };
  expect(() => resourcesOf(instances, graph, { declared })).toThrow(`"coder_script.s["two"]" does not exist`);
});

test("two metadata blocks for one resource are rejected", () => {
  const instances = [managed("coder_metadata", "a"), managed("coder_metadata", "b"), managed("vm", "m")];
  const twice = parseGraph('"coder_metadata.a" -> "vm.m";\n"coder_metadata.b" -> "vm.m";');
  expect(() => resourcesOf(instances, twice)).toThrow('"vm.m" has more than one coder_metadata');
});

test("invalid state is rejected", () => {
  expect(instancesOfState(new Uint8Array())).toEqual([]);
  expect(() => instancesOfState(Buffer.from("{"))).toThrow("is not valid JSON");
  expect(() => instancesOfState(Buffer.from('{"version": 3}'))).toThrow("has format 3");
});

test('a variable that is set twice is refused where a coder_env has merge_strategy = "error"', () => {
  const machine = managed("null_resource", "machine");
  const agent = managed("coder_agent", "main", { id: "a", env: { SET: "1" } });
  const env = (name: string, merge_strategy: string) =>
    managed("coder_env", name.toLowerCase(), { agent_id: "a", name, value: "2", merge_strategy });
  const built = (...envs: Instance[]) => resourcesOf([machine, agent, ...envs], parseGraph("digraph {}"));
  expect(() => built(env("SET", "error"))).toThrow(
    'The environment variable "SET" of the agent "main" is set twice',
  );
  expect(() => built(env("FREE", "error"), env("SET", "replace"))).not.toThrow();
});

import type { Instance } from "./instances.js";
import { warningsOf } from "./warnings.js";

function instance(mode: Instance["mode"], type: string, values: Instance["values"] = {}): Instance {
  const label = `${type}.main`;
  return {
    address: label,
    label,
    modulePath: "",
    mode,
    type,
    name: "main",
    index: undefined,
    provider: "",
    values,
  };
}

const runs = [{ agents: [{ name: "main" }] }];

test("each declaration without effect is reported once", () => {
  const task = instance("managed", "coder_ai_task");
  expect(warningsOf([task, task], [])).toEqual(["Not supported: coder_ai_task: tasks are not shown."]);
});

test("a script order that covers only part of a module is reported", () => {
  const script = (name: string, modulePath: string, values: Instance["values"]) => ({
    ...instance("managed", "coder_script", values),
    modulePath,
    address: `${modulePath && `${modulePath}.`}coder_script.${name}`,
  });
  const order = instance("data", "coder_script_order", {
    rule: [{ run: ["coder_script.a"], after: ["module.m"] }],
  });
  const scripts = [
    script("a", "", { run_on_start: true }),
    script("b", "module.m", { run_on_start: true }),
    script("c", "module.m", { run_on_stop: true }),
  ];
  expect(warningsOf([order, ...scripts], [])).toEqual([
    expect.stringContaining("only the start scripts of its modules are ordered"),
  ]);
});

test("a fully supported template has no warnings", () => {
  const agent = instance("managed", "coder_agent", {
    resources_monitoring: [{ memory: [{ enabled: true, threshold: 80 }] }],
  });
  const preset = instance("data", "coder_workspace_preset", { prebuilds: [{ instances: 2 }] });
  expect(warningsOf([agent, preset, instance("managed", "coder_app")], runs)).toEqual([]);
});

test("an agent without a resource is reported", () => {
  expect(warningsOf([instance("managed", "coder_agent")], [])).toEqual([
    expect.stringContaining("No resource uses the agent coder_agent.main"),
  ]);
});

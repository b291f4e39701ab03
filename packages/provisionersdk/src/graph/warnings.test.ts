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
  const order = instance("data", "coder_script_order");
  expect(warningsOf([order, order], [])).toEqual([
    "Not supported, ignored: coder_script_order: scripts start in parallel.",
  ]);
  const monitoring = { resources_monitoring: [{ memory: [{ enabled: true, threshold: 80 }] }] };
  expect(warningsOf([instance("managed", "coder_agent", monitoring)], runs)).toEqual([
    "Not supported, ignored: resources_monitoring of coder_agent: no notifications are sent.",
  ]);
  const preset = instance("data", "coder_workspace_preset", { prebuilds: [{ instances: 2 }] });
  expect(warningsOf([preset], [])).toEqual([expect.stringContaining("prebuilds")]);
});

test("a fully supported template has no warnings", () => {
  const agent = instance("managed", "coder_agent", { resources_monitoring: [] });
  const preset = instance("data", "coder_workspace_preset", { prebuilds: [] });
  expect(warningsOf([agent, preset, instance("managed", "coder_app")], runs)).toEqual([]);
});

test("an agent without a resource is reported", () => {
  expect(warningsOf([instance("managed", "coder_agent")], [])).toEqual([
    expect.stringContaining("No resource uses the agent coder_agent.main"),
  ]);
});

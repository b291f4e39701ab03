import type { ResourceInit } from "../provisioner.js";
import type { Instance } from "./instances.js";
import { blocks } from "./values.js";

/** Declarations that are accepted but have no effect here: each is reported once, when the template is imported. */
const UNSUPPORTED: readonly { what: string; declares(instance: Instance): boolean }[] = [
  {
    what: "coder_script_order: scripts start in parallel",
    declares: ({ type }) => type === "coder_script_order",
  },
  {
    what: "resources_monitoring of coder_agent: no notifications are sent",
    declares: ({ type, values }) =>
      type === "coder_agent" && blocks(values, "resources_monitoring").length > 0,
  },
  {
    what: "prebuilds of coder_workspace_preset: no workspaces are built in advance",
    declares: ({ type, values }) =>
      type === "coder_workspace_preset" && blocks(values, "prebuilds").length > 0,
  },
  {
    what: "coder_devcontainer: start dev containers from a script instead",
    declares: ({ type }) => type === "coder_devcontainer",
  },
  {
    what: "coder_external_agent: no agent is created for it",
    declares: ({ type }) => type === "coder_external_agent",
  },
  { what: "coder_ai_task: tasks are not shown", declares: ({ type }) => type === "coder_ai_task" },
];

/**
 * Warnings for the template's author: declarations without effect, and agents that no resource runs.
 * Sentences for the import's log.
 */
export function warningsOf(instances: readonly Instance[], resources: readonly ResourceInit[]): string[] {
  const unsupported = UNSUPPORTED.filter(({ declares }) => instances.some(declares)).map(
    ({ what }) => `Not supported, ignored: ${what}.`,
  );
  const run = new Set(resources.flatMap(({ agents = [] }) => agents.map(({ name }) => name)));
  const idle = instances
    .filter(({ mode, type, name }) => mode === "managed" && type === "coder_agent" && !run.has(name))
    .map(
      ({ address }) =>
        `No resource uses the agent ${address}. Reference its init_script or token in the resource that runs it.`,
    );
  return [...unsupported, ...idle];
}

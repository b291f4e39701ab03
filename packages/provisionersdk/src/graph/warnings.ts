import type { ResourceInit } from "../provisioner.js";
import type { Declared } from "./declared.js";
import type { Instance } from "./instances.js";
import { scriptOrderOf } from "./script-order.js";

/** Declarations without an effect here, or with only a part of it: each is reported once, when the template is imported. */
const UNSUPPORTED: readonly { what: string; declares(instance: Instance): boolean }[] = [
  { what: "coder_ai_task: tasks are not shown", declares: ({ type }) => type === "coder_ai_task" },
];

/**
 * Warnings for the template's author: declarations without effect, agents that no resource runs, parts that belong to no
 * agent, and orders of scripts that hold for a part of what they name. Sentences for the import's log.
 */
export function warningsOf(
  instances: readonly Instance[],
  resources: readonly ResourceInit[],
  declared?: Declared,
): string[] {
  const unsupported = UNSUPPORTED.filter(({ declares }) => instances.some(declares)).map(
    ({ what }) => `Not supported: ${what}.`,
  );
  const run = new Set(resources.flatMap(({ agents = [] }) => agents.map(({ name }) => name)));
  const idle = instances
    .filter(({ mode, type, name }) => mode === "managed" && type === "coder_agent" && !run.has(name))
    .map(
      ({ address }) =>
        `No resource uses the agent ${address}. Reference its init_script or token in the resource that runs it.`,
    );
  return [...unsupported, ...idle, ...scriptOrderOf(instances, declared).warnings];
}

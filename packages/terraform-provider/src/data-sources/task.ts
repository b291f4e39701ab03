import type { DataSource } from "../definition.js";
import type { Environment } from "../environment.js";
import { isUuid } from "../rules/checks.js";
import { computed } from "../schema/block.js";
import { ConfigurationRefused } from "../schema/diagnostic.js";

const DEPRECATED = "Tasks are deprecated upstream. Take it out when no client needs it.";

/** The task that the workspace is built for, if any. */
export const task: DataSource = {
  version: 0,
  block: {
    deprecated: DEPRECATED,
    attributes: {
      enabled: computed.bool({ deprecated: DEPRECATED }),
      id: computed.string(),
      prompt: computed.string({ deprecated: DEPRECATED }),
    },
  },
  read: (_config, { env, newId }) => {
    const id = env.CODER_TASK_ID ?? "";
    if (id !== "" && !isUuid(id))
      throw new ConfigurationRefused(`CODER_TASK_ID must be a UUID, not "${id}".`);
    return { ...taskFacts(env), id: id || newId() };
  },
};

export function taskFacts(env: Environment): { enabled: boolean; prompt: string } {
  return { enabled: isUuid(env.CODER_TASK_ID ?? ""), prompt: env.CODER_TASK_PROMPT ?? "" };
}

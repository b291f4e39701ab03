import { isUuid } from "@fleet/base";
import type { DataSource, ReadContext } from "../definition.js";
import { computed } from "../schema/block.js";
import { ConfigurationRefused } from "../schema/diagnostic.js";

const DEPRECATED = "Tasks are deprecated upstream. Remove it if no client needs it.";

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
  read: (_config, context) => {
    const id = context.env.CODER_TASK_ID ?? "";
    if (id !== "" && !isUuid(id))
      throw new ConfigurationRefused(`CODER_TASK_ID must be a UUID, not "${id}".`);
    return taskFacts(context);
  },
};

/** The build's task; without one the id is random, since the attribute must have a value. */
export function taskFacts({ env, newId }: Pick<ReadContext, "env" | "newId">) {
  const id = env.CODER_TASK_ID ?? "";
  return isUuid(id)
    ? { id, enabled: true, prompt: env.CODER_TASK_PROMPT ?? "" }
    : { id: newId(), enabled: false, prompt: env.CODER_TASK_PROMPT ?? "" };
}

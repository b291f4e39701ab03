import { taskFacts } from "../data-sources/task.js";
import type { Resource } from "../definition.js";
import { uuid } from "../rules/checks.js";
import { computed, optionalComputed, required } from "../schema/block.js";
import { refusal } from "../schema/diagnostic.js";
import { isZero } from "../schema/zero.js";
import { isValues, type Value, type Values } from "../wire/value.js";

const ATTRIBUTE_DEPRECATED = "Tasks are deprecated upstream. Remove this argument if no client needs it.";

/** Marks a workspace as used by an AI agent. Kept for templates that use it. */
export const aiTask: Resource = {
  version: 1,
  block: {
    deprecated: "Tasks are deprecated upstream. Remove this resource if no client needs it.",
    attributes: {
      app_id: optionalComputed.string({
        deprecated: ATTRIBUTE_DEPRECATED,
        check: uuid,
        conflictsWith: ["sidebar_app"],
      }),
      enabled: computed.bool({ deprecated: ATTRIBUTE_DEPRECATED }),
      id: computed.string(),
      prompt: computed.string({ deprecated: ATTRIBUTE_DEPRECATED }),
    },
    blocks: {
      sidebar_app: {
        nesting: "set",
        maxItems: 1,
        deprecated: `Use "app_id" instead of this block.`,
        conflictsWith: ["app_id"],
        block: {
          attributes: { id: required.string({ deprecated: ATTRIBUTE_DEPRECATED, check: uuid }) },
        },
      },
    },
  },
  check: (_planned, { app_id, sidebar_app }) =>
    isZero(app_id ?? null) && isZero(sidebar_app ?? null)
      ? [refusal(`Set "app_id" to the ID of a coder_app.`, ["app_id"])]
      : [],
  create: (planned, context) => {
    const { id, enabled, prompt } = taskFacts(context);
    return { app_id: appOf(planned), id, enabled, prompt };
  },
};

function appOf({ app_id, sidebar_app }: Values): Value {
  if (typeof app_id === "string") return app_id;
  const sidebar = Array.isArray(sidebar_app) ? sidebar_app[0] : undefined;
  return isValues(sidebar) ? (sidebar.id ?? null) : null;
}

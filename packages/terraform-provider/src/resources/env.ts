import { generatedId, type Resource } from "../definition.js";
import { oneOf } from "../rules/checks.js";
import { optional, required } from "../schema/block.js";

const VARIABLE_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** An environment variable of the workspace. */
export const env: Resource = {
  version: 1,
  block: {
    attributes: {
      agent_id: required.string(),
      id: generatedId,
      merge_strategy: optional.string({
        default: "replace",
        check: oneOf("replace", "append", "prepend", "error"),
      }),
      name: required.string({
        check: (name) =>
          VARIABLE_NAME.test(String(name))
            ? undefined
            : `"${name}" is not a valid environment variable name. Use letters, digits and "_", and do not start with a digit.`,
      }),
      value: optional.string(),
    },
  },
};

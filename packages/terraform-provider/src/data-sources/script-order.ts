import { type DataSource, generatedId } from "../definition.js";
import { oneOf } from "../rules/checks.js";
import type { Check } from "../schema/block.js";
import { optional, required } from "../schema/block.js";

const selectors: Check = (list, path) => {
  if (!Array.isArray(list)) return undefined;
  if (list.length === 0) return `"${path.at(-1)}" must name at least one script.`;
  return list.includes("") ? `"${path.at(-1)}" must not contain empty strings.` : undefined;
};

/** Which scripts of an agent wait for which others. The server resolves the addresses; nothing is validated here. */
export const scriptOrder: DataSource = {
  version: 0,
  block: {
    attributes: { id: generatedId },
    blocks: {
      rule: {
        nesting: "list",
        minItems: 1,
        block: {
          attributes: {
            after: required.strings({ check: selectors }),
            phase: optional.string({ check: oneOf("start", "stop") }),
            requires: optional.string({ default: "success", check: oneOf("success", "completion") }),
            run: required.strings({ check: selectors }),
          },
        },
      },
    },
  },
  read: (_config, { newId }) => ({ id: newId() }),
};

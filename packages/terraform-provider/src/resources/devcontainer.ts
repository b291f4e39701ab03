import { generatedId, type Resource } from "../definition.js";
import { notEmpty } from "../rules/checks.js";
import { computed, optional, required } from "../schema/block.js";

/** A dev container that the agent starts, with its own agent inside. */
export const devcontainer: Resource = {
  version: 1,
  block: {
    attributes: {
      agent_id: required.string(),
      config_path: optional.string(),
      id: generatedId,
      subagent_id: computed.string(),
      workspace_folder: required.string({ check: notEmpty }),
    },
  },
  create: (_planned, { newId }) => ({ subagent_id: newId() }),
};

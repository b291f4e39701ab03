import { generatedId, type Resource } from "../definition.js";
import { required } from "../schema/block.js";

/** An agent that is started by hand, outside of what the template makes. */
export const externalAgent: Resource = {
  version: 1,
  block: { attributes: { agent_id: required.string(), id: generatedId } },
};

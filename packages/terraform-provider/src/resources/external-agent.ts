import { generatedId, type Resource } from "../definition.js";
import { required } from "../schema/block.js";

/** An agent that is started manually, outside of the template's resources. */
export const externalAgent: Resource = {
  version: 1,
  block: { attributes: { agent_id: required.string(), id: generatedId } },
};

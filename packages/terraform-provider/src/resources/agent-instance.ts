import { generatedId, type Resource } from "../definition.js";
import { required } from "../schema/block.js";

/** The cloud instance that an agent without a token runs on. */
export const agentInstance: Resource = {
  version: 0,
  block: { attributes: { agent_id: required.string(), id: generatedId, instance_id: required.string() } },
};

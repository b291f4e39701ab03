import { type DataSource, generatedId } from "../definition.js";
import { optional } from "../schema/block.js";

/** Tags that select which provisioners may build the workspace. */
export const workspaceTags: DataSource = {
  version: 1,
  block: { attributes: { id: generatedId, tags: optional.map() } },
  read: (_config, { newId }) => ({ id: newId() }),
};

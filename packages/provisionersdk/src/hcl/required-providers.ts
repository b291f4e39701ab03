import type { HclAttribute, HclBlock } from "./parse.js";

/** The requirements of a `terraform` block, one attribute for each local name; none for another block. */
export function requiredProviders({ type, body }: HclBlock): HclAttribute[] {
  if (type !== "terraform") return [];
  return body.blocks
    .filter((inner) => inner.type === "required_providers")
    .flatMap((inner) => inner.body.attributes);
}

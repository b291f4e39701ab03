import { generatedId, type Resource } from "../definition.js";
import { duplicate } from "../rules/duplicates.js";
import { url } from "../rules/url.js";
import { computed, optional, required } from "../schema/block.js";
import { refusal } from "../schema/diagnostic.js";
import { isValues, type Value } from "../wire/value.js";

/** Facts and costs shown with another resource. */
export const metadata: Resource = {
  version: 1,
  block: {
    attributes: {
      daily_cost: optional.number(),
      hide: optional.bool(),
      icon: optional.string({ check: url }),
      id: generatedId,
      resource_id: required.string(),
    },
    blocks: {
      item: {
        nesting: "list",
        block: {
          attributes: {
            is_null: computed.bool(),
            key: required.string(),
            sensitive: optional.bool({ default: false }),
            value: optional.string(),
          },
        },
      },
    },
  },
  check: ({ item }) => {
    const twice = duplicate(item, "key");
    return twice
      ? [refusal(`The key "${twice.value}" is used more than once.`, ["item", twice.index, "key"])]
      : [];
  },
  create: ({ item }) => ({ item: itemsOf(item).map(markNull) }),
};

function itemsOf(items: Value | undefined): Value[] {
  return Array.isArray(items) ? items : [];
}

/** A null value (a missing resource) is distinguished from an empty one. */
function markNull(item: Value): Value {
  return isValues(item) ? { ...item, is_null: item.value === null } : item;
}

import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type Schema_BlockSchema,
  Schema_NestedBlock_NestingMode,
  type SchemaSchema,
} from "../gen/tfplugin5_pb.js";
import type { Block } from "./block.js";

/** The schema of a provider, resource or data source as the plugin protocol carries it. */
export function encodeSchema(block: Block, version: number): MessageInitShape<typeof SchemaSchema> {
  return { version: BigInt(version), block: encodeBlock(block, version) };
}

function encodeBlock(block: Block, version: number): MessageInitShape<typeof Schema_BlockSchema> {
  return {
    version: BigInt(version),
    deprecated: block.deprecated !== undefined,
    attributes: byName(block.attributes).map(([name, attribute]) => ({
      name,
      type: Buffer.from(JSON.stringify(attribute.type)),
      required: attribute.required === true,
      optional: attribute.optional === true,
      computed: attribute.computed === true,
      sensitive: attribute.sensitive === true,
      deprecated: attribute.deprecated !== undefined,
    })),
    blockTypes: byName(block.blocks ?? {}).map(([typeName, nested]) => ({
      typeName,
      block: encodeBlock({ ...nested.block, deprecated: nested.deprecated }, 0),
      nesting:
        nested.nesting === "list" ? Schema_NestedBlock_NestingMode.LIST : Schema_NestedBlock_NestingMode.SET,
      minItems: BigInt(nested.minItems ?? 0),
      maxItems: BigInt(nested.maxItems ?? 0),
    })),
  };
}

function byName<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

import {
  type GetProviderSchema_Response,
  type Schema,
  type Schema_Block,
  Schema_NestedBlock_NestingMode,
} from "../gen/tfplugin5_pb.js";

/** A served schema in the form of `terraform providers schema -json`, without descriptions. */
export function schemaJson(served: GetProviderSchema_Response) {
  const all = (schemas: Record<string, Schema>) =>
    Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, schemaOf(schema)]));
  return {
    provider: schemaOf(served.provider!),
    data_source_schemas: all(served.dataSourceSchemas),
    resource_schemas: all(served.resourceSchemas),
  };
}

function schemaOf({ version, block }: Schema): { version: number; block: object } {
  return { version: Number(version), block: blockOf(block!) };
}

/** Terraform omits false, zero and empty values. */
function blockOf({ attributes, blockTypes, deprecated }: Schema_Block): object {
  const described = attributes.map(({ name, type, ...flags }) => [
    name,
    {
      type: JSON.parse(Buffer.from(type).toString("utf8")),
      ...present({
        required: flags.required,
        optional: flags.optional,
        computed: flags.computed,
        sensitive: flags.sensitive,
        deprecated: flags.deprecated,
      }),
    },
  ]);
  const nested = blockTypes.map(({ typeName, nesting, block, minItems, maxItems }) => [
    typeName,
    {
      nesting_mode: Schema_NestedBlock_NestingMode[nesting].toLowerCase(),
      block: blockOf(block!),
      ...present({ min_items: Number(minItems), max_items: Number(maxItems) }),
    },
  ]);
  return {
    ...(described.length > 0 ? { attributes: Object.fromEntries(described) } : {}),
    ...(nested.length > 0 ? { block_types: Object.fromEntries(nested) } : {}),
    ...present({ deprecated }),
  };
}

function present(values: Record<string, boolean | number>): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value));
}

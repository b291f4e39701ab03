import { fromBinary } from "@bufbuild/protobuf";
import { GetProviderSchema_ResponseSchema } from "./gen/tfplugin5_pb.js";
import { encodedSchema } from "./provider.js";
import { loadSchema } from "./testing/recording.js";
import { schemaJson } from "./testing/schema-json.js";

const upstream = loadSchema();
const ours = schemaJson(fromBinary(GetProviderSchema_ResponseSchema, encodedSchema()));

test("the provider block is upstream's", () => {
  expect(ours.provider).toEqual(upstream.provider);
});

describe.each(["data_source_schemas", "resource_schemas"] as const)("%s", (kind) => {
  test.each(Object.keys(upstream[kind]))("%s has upstream's attributes, blocks and flags", (name) => {
    expect(ours[kind][name]).toEqual(upstream[kind][name]);
  });
});

test("beyond them, only coder_secret (added upstream after 2.20.0) exists", () => {
  const names = (schemas: typeof ours) => [
    ...Object.keys(schemas.data_source_schemas),
    ...Object.keys(schemas.resource_schemas),
  ];
  expect(names(ours).filter((name) => !names(upstream).includes(name))).toEqual(["coder_secret"]);
  expect(ours.data_source_schemas.coder_secret).toMatchObject({
    block: {
      attributes: {
        env: { type: "string", optional: true },
        file: { type: "string", optional: true },
        help_message: { type: "string", required: true },
        value: { type: "string", computed: true, sensitive: true },
      },
    },
  });
});

test("the response is encoded once for all hosts", () => {
  expect(encodedSchema()).toBe(encodedSchema());
});

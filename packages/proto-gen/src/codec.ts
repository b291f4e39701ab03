import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type * as grpc from "@grpc/grpc-js";

/** The largest message in either direction. Terraform state and a batch of resources are sent in one message. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

export type MethodOf = Pick<DescMethod, "input" | "output" | "methodKind">;
export type Input<M extends MethodOf> = MessageShape<M["input"]>;
export type Output<M extends MethodOf> = MessageShape<M["output"]>;
export type InputInit<M extends MethodOf> = MessageInitShape<M["input"]>;
export type OutputInit<M extends MethodOf> = MessageInitShape<M["output"]>;

function codec<D extends DescMessage>(descriptor: D) {
  return {
    serialize: (message: MessageInitShape<D>) =>
      Buffer.from(toBinary(descriptor, create(descriptor, message))),
    deserialize: (bytes: Buffer) => fromBinary(descriptor, bytes),
  };
}

/** grpc-js's definition of a service, from protobuf-es's descriptor of it. */
export function serviceDefinition(service: DescService): grpc.ServiceDefinition {
  return Object.fromEntries(
    service.methods.map((method) => {
      const input = codec(method.input);
      const output = codec(method.output);
      return [
        method.localName,
        {
          path: `/${service.typeName}/${method.name}`,
          originalName: method.name,
          requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
          responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
          requestSerialize: input.serialize,
          requestDeserialize: input.deserialize,
          responseSerialize: output.serialize,
          responseDeserialize: output.deserialize,
        },
      ];
    }),
  );
}

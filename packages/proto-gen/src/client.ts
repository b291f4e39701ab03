import type { GenService, GenServiceMethods } from "@bufbuild/protobuf/codegenv2";
import { codeOfGrpcStatus, drained, FleetError } from "@fleet/base";
import * as grpc from "@grpc/grpc-js";
import { type InputInit, MAX_MESSAGE_BYTES, type MethodOf, type Output, serviceDefinition } from "./codec.js";

export type CallOptions = {
  signal?: AbortSignal;
  /** Milliseconds until the call fails with `deadline_exceeded`. Streams have no deadline. */
  timeoutMs?: number;
  metadata?: Record<string, string>;
};

/** The client's end of a stream: iterate to receive. It ends, or throws a FleetError with the call's status. */
export type ClientStream<In, Out> = AsyncIterable<Out> & {
  /** Resolves when there is room for more. Rejects if the stream has ended. */
  send(message: In): Promise<void>;
  /** Half-closes: nothing more is sent. */
  end(): void;
  cancel(): void;
};

export type GrpcClient<S extends GenServiceMethods> = { [K in keyof S]: Method<S[K]> } & {
  close(): void;
};

type Method<M extends MethodOf> = M["methodKind"] extends "unary"
  ? (request: InputInit<M>, options?: CallOptions) => Promise<Output<M>>
  : M["methodKind"] extends "server_streaming"
    ? (request: InputInit<M>, options?: CallOptions) => AsyncIterable<Output<M>>
    : (options?: CallOptions) => ClientStream<InputInit<M>, Output<M>>;

export type ClientOptions = {
  /** `host:port` or `unix:/path`. */
  address: string;
  credentials?: grpc.ChannelCredentials;
  /** Credentials sent with each call. */
  metadata?: () => Record<string, string>;
  /** Default deadline of unary calls, milliseconds. */
  defaultTimeoutMs?: number;
  /** Unary calls wait until their deadline for an unreachable server: nothing has been sent yet. */
  waitForReady?: boolean;
  channelOptions?: grpc.ChannelOptions;
};

const DEFAULT_TIMEOUT_MS = 30_000;

/** A typed client for the service. Errors are FleetErrors with the server's message. */
export function createGrpcClient<S extends GenServiceMethods>(
  service: GenService<S>,
  options: ClientOptions,
): GrpcClient<S> {
  const Client = grpc.makeGenericClientConstructor(serviceDefinition(service), service.typeName);
  const client = new Client(options.address, options.credentials ?? grpc.credentials.createInsecure(), {
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1_000,
    ...options.channelOptions,
  });
  const metadataOf = (call?: CallOptions, waitForReady = false) => {
    const metadata = new grpc.Metadata({ waitForReady });
    for (const [key, value] of Object.entries({ ...options.metadata?.(), ...call?.metadata }))
      metadata.set(key, value);
    return metadata;
  };

  const methods: Record<string, unknown> = { close: () => client.close() };
  for (const method of service.methods) {
    const start = (
      client[method.localName] as (...args: unknown[]) => grpc.ClientDuplexStream<unknown, unknown>
    ).bind(client);
    if (method.methodKind === "unary") {
      methods[method.localName] = (request: unknown, call?: CallOptions) =>
        new Promise((resolve, reject) => {
          const deadline = Date.now() + (call?.timeoutMs ?? options.defaultTimeoutMs ?? DEFAULT_TIMEOUT_MS);
          const started = start(
            request,
            metadataOf(call, options.waitForReady),
            { deadline },
            (error: grpc.ServiceError | null, response: unknown) => {
              call?.signal?.removeEventListener("abort", onAbort);
              if (error) reject(toError(error));
              else resolve(response);
            },
          );
          const onAbort = () => started.cancel();
          if (call?.signal?.aborted) started.cancel();
          else call?.signal?.addEventListener("abort", onAbort, { once: true });
        });
    } else if (method.methodKind === "server_streaming") {
      methods[method.localName] = (request: unknown, call?: CallOptions) =>
        streamOf(start(request, metadataOf(call)), call?.signal);
    } else {
      methods[method.localName] = (call?: CallOptions) => streamOf(start(metadataOf(call)), call?.signal);
    }
  }
  return methods as GrpcClient<S>;
}

function streamOf(
  call: grpc.ClientDuplexStream<unknown, unknown>,
  signal?: AbortSignal,
): ClientStream<unknown, unknown> {
  let ended = false;
  const onAbort = () => call.cancel();
  const finish = () => {
    ended = true;
    signal?.removeEventListener("abort", onAbort);
  };
  // Errors are thrown from the iteration; this listener keeps an unread stream's error from ending the process.
  call.on("error", finish);
  call.on("end", finish);
  call.on("close", finish);
  if (signal?.aborted) call.cancel();
  else signal?.addEventListener("abort", onAbort, { once: true });
  return {
    async send(message) {
      if (ended) throw new FleetError("unavailable", "The stream to the server has ended.");
      if (!call.write(message)) await drained(call);
    },
    end: () => call.end(),
    cancel: () => call.cancel(),
    async *[Symbol.asyncIterator]() {
      try {
        yield* call;
      } catch (error) {
        throw toError(error as grpc.ServiceError);
      } finally {
        call.cancel();
      }
    },
  };
}

function toError(error: grpc.ServiceError): FleetError {
  if (typeof error.code !== "number") return new FleetError("unavailable", error.message, { cause: error });
  return new FleetError(codeOfGrpcStatus(error.code), error.details || error.message, { cause: error });
}

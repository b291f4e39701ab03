import { once } from "node:events";
import type { GenService, GenServiceMethods } from "@bufbuild/protobuf/codegenv2";
import { ERROR_CODES, toFleetError } from "@fleet/base";
import type * as grpc from "@grpc/grpc-js";
import { type Input, type MethodOf, type OutputInit, serviceDefinition } from "./codec.js";

/** What a handler knows about its call. */
export type CallContext = {
  /** `coder.agent.v1.AgentService/GetManifest`. */
  readonly method: string;
  readonly metadata: grpc.Metadata;
  /** Aborts when the client disconnects or cancels. */
  readonly signal: AbortSignal;
  /** Address of the peer. */
  readonly peer: string;
};

/** The server's end of a stream: iterate to receive, `send` to reply; the stream ends when the handler resolves. */
export type ServerStream<In, Out> = CallContext &
  AsyncIterable<In> & {
    /** Resolves when there is room for more: await it to bound memory. */
    send(message: Out): Promise<void>;
  };

/** A handler for each method. Reject with a FleetError to respond with its code's status and its message. */
export type Handlers<S extends GenServiceMethods> = {
  [K in keyof S]: Handler<S[K]>;
};

type Handler<M extends MethodOf> = M["methodKind"] extends "unary"
  ? (request: Input<M>, context: CallContext) => Promise<OutputInit<M>>
  : M["methodKind"] extends "server_streaming"
    ? (request: Input<M>, stream: ServerStream<never, OutputInit<M>>) => Promise<void>
    : (stream: ServerStream<Input<M>, OutputInit<M>>) => Promise<void>;

/** Runs around each call: authentication, logs, metrics and spans. */
export type Interceptor = <T>(context: CallContext, next: () => Promise<T>) => Promise<T>;

type AnyCall = grpc.ServerDuplexStream<unknown, unknown> & { request: unknown };

/** Adds the service to the server. Client-streaming methods are not supported: no contract of the fleet has one. */
export function addService<S extends GenServiceMethods>(
  server: Pick<grpc.Server, "addService">,
  service: GenService<S>,
  handlers: Handlers<S>,
  interceptor: Interceptor = (_context, next) => next(),
): void {
  const table = handlers as unknown as Record<string, (first: unknown, second?: unknown) => Promise<unknown>>;
  const implementation: Record<string, grpc.UntypedHandleCall> = {};
  for (const method of service.methods) {
    const name = `${service.typeName}/${method.name}`;
    const handler = table[method.localName]!;
    if (method.methodKind === "unary") {
      implementation[method.localName] = ((call: AnyCall, callback: grpc.sendUnaryData<unknown>) => {
        const context = contextOf(name, call);
        interceptor(context, async () => handler(call.request, context)).then(
          (response) => callback(null, response),
          (error) => callback(statusOf(error)),
        );
      }) as grpc.UntypedHandleCall;
      continue;
    }
    implementation[method.localName] = ((call: AnyCall) => {
      const stream = streamOf(contextOf(name, call), call);
      const run = () =>
        method.methodKind === "server_streaming" ? handler(call.request, stream) : handler(stream);
      interceptor(stream, run).then(
        () => call.end(),
        (error) => call.emit("error", statusOf(error)),
      );
    }) as grpc.UntypedHandleCall;
  }
  server.addService(serviceDefinition(service), implementation);
}

function contextOf(method: string, call: AnyCall): CallContext {
  const controller = new AbortController();
  call.once("cancelled", () => controller.abort());
  call.once("close", () => controller.abort());
  return { method, metadata: call.metadata, signal: controller.signal, peer: call.getPeer() };
}

function streamOf(context: CallContext, call: AnyCall): ServerStream<unknown, unknown> {
  return {
    ...context,
    async send(message) {
      if (context.signal.aborted) return;
      if (!call.write(message)) await once(call, "drain", { signal: context.signal }).catch(() => {});
    },
    async *[Symbol.asyncIterator]() {
      if (context.signal.aborted) return;
      try {
        yield* call.iterator({ destroyOnReturn: false });
      } catch (error) {
        if (!context.signal.aborted && !call.cancelled && !call.destroyed) throw error;
      }
    },
  };
}

function statusOf(error: unknown): Partial<grpc.StatusObject> {
  const fleetError = toFleetError(error);
  return { code: ERROR_CODES[fleetError.code].grpc, details: fleetError.message };
}

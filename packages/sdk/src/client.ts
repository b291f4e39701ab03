import type * as z from "zod";
import { callSpecs } from "./call-specs.js";
import { type ClientOptions, createCalls } from "./calls.js";
import type { Exchange } from "./client-socket.js";
import type { PathParams, Raw, RouteSpec } from "./route.js";
import type { Routes } from "./routes/index.js";

type Empty = Record<never, never>;

/** A call's input: the route's declared parameters, query and body, and a signal to abort it. */
export type CallOptions<R extends RouteSpec> = (keyof PathParams<R["path"]> extends never
  ? Empty
  : { params: PathParams<R["path"]> }) &
  (R["query"] extends z.ZodType ? QueryOption<z.output<R["query"]>> : Empty) &
  (R["body"] extends z.ZodType
    ? { body: z.input<R["body"]> }
    : R["body"] extends Raw
      ? {
          body: Blob | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
          contentType: R["body"]["raw"][number];
        }
      : Empty) & { signal?: AbortSignal; headers?: Record<string, string> };

type QueryOption<Q> = Empty extends Q ? { query?: Q } : { query: Q };

/** A call's result: the response; for a raw one, fetch's Response; for a stream, its messages or its socket. */
export type CallResult<R extends RouteSpec> = R["stream"] extends "websocket" | "sse"
  ? AsyncIterable<ResponseOf<R>>
  : R["stream"] extends "exchange"
    ? Exchange<MessageOf<R>, ResponseOf<R>>
    : R["stream"] extends "socket"
      ? Promise<WebSocket>
      : Promise<ResponseOf<R>>;

type MessageOf<R extends RouteSpec> = R["message"] extends z.ZodType ? z.input<R["message"]> : never;

type ResponseOf<R extends RouteSpec> = R["response"] extends z.ZodType
  ? z.output<R["response"]>
  : R["response"] extends Raw
    ? Response
    : undefined;

type Call<R extends RouteSpec> =
  Empty extends CallOptions<R>
    ? (options?: CallOptions<R>) => CallResult<R>
    : (options: CallOptions<R>) => CallResult<R>;

/** One method for each route, under the route's name. `upgrade` routes are left out: fetch cannot upgrade. */
export type Client = {
  [Name in keyof Routes as Routes[Name] extends { stream: "upgrade" } ? never : Name]: Call<Routes[Name]>;
};

/**
 * A typed client of the REST API. It runs in browsers and in Node.
 *
 * Calls throw a FleetError: with the code for the status, and the server's message; or `unavailable`
 * if there was no response. Responses are returned unchanged: fields unknown to this version are kept, and nothing
 * is validated, so that client and server may be of different versions.
 */
export function createClient(options: ClientOptions): Client {
  return createCalls(callSpecs, options) as unknown as Client;
}

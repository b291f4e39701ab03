import type * as z from "zod";
import { networkError, responseError } from "./client-error.js";
import { readEvents } from "./client-events.js";
import { type RetryOptions, randomKey, sendPatiently } from "./client-retry.js";
import { openSocket, readSocket } from "./client-socket.js";
import {
  fillPath,
  IDEMPOTENCY_KEY_HEADER,
  isIdempotent,
  isRaw,
  type PathParams,
  type Raw,
  type RouteSpec,
} from "./route.js";
import { type Routes, routes } from "./routes/index.js";

/** The header in which a session, an agent's token or a proxy's token travels. */
export const SESSION_TOKEN_HEADER = "Coder-Session-Token";

export type ClientOptions = {
  /** The access URL, `https://coder.example.com`. In a browser, `""` means the page's own origin. */
  baseUrl: string;
  /** Sent with each request. Without it, a browser sends its session cookie. */
  token?: string;
  /** Added to each request; for streams, only where the runtime can (Node, not browsers). */
  headers?: Record<string, string>;
  fetch?: typeof fetch;
  /**
   * While the deployment is away for a moment, calls are sent again where that does no harm: those that mean the same
   * however often they are carried out, and any of which nothing was sent. Streams are not: who reads them knows where to
   * go on. Left out: a call is sent once.
   */
  retry?: RetryOptions;
};

type Empty = Record<never, never>;

/** What a call takes: the parameters, the query and the body that the route declares, and a signal to call it off. */
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

/** What a call gives: the response; for a raw one, fetch's Response; for a stream, its messages or its socket. */
export type CallResult<R extends RouteSpec> = R["stream"] extends "websocket" | "sse"
  ? AsyncIterable<ResponseOf<R>>
  : R["stream"] extends "socket"
    ? Promise<WebSocket>
    : Promise<ResponseOf<R>>;

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

type AnyCall = {
  params?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
  contentType?: string;
  signal?: AbortSignal;
  headers?: Record<string, string>;
};

/**
 * A typed client of the REST API. It runs in browsers and in Node.
 *
 * A call throws a FleetError: with the code that the status stands for, and the server's message; or `unavailable`
 * when no answer came. A response is handed on as it came: a field that this version does not know is kept, and nothing
 * is checked, so that client and server may be of different versions.
 */
export function createClient(options: ClientOptions): Client {
  const methods = Object.entries<RouteSpec>(routes)
    .filter(([, route]) => route.stream !== "upgrade")
    .map(([name, route]) => [name, (call: AnyCall = {}) => perform(route, call, options)]);
  return Object.fromEntries(methods) as Client;
}

function perform(route: RouteSpec, call: AnyCall, options: ClientOptions): unknown {
  const url = routeUrl(route, call, options.baseUrl);
  const headers = new Headers({ ...options.headers, ...call.headers });
  if (options.token) headers.set(SESSION_TOKEN_HEADER, options.token);
  switch (route.stream) {
    case "socket":
      return openSocket(url, headers, call.signal);
    case "websocket":
      return readSocket(url, headers, call.signal);
    case "sse":
      headers.set("Accept", "text/event-stream");
      return readEvents(() => send(route, url, headers, call, options), call.signal);
    default:
      return send(route, url, headers, call, options).then((response) => readResponse(route, response));
  }
}

async function send(
  route: RouteSpec,
  url: string,
  headers: Headers,
  call: AnyCall,
  options: ClientOptions,
): Promise<Response> {
  const body = encodeBody(route, call, headers);
  const request: RequestInit & { duplex?: "half" } = {
    method: route.method,
    headers,
    credentials: "include",
  };
  if (call.signal) request.signal = call.signal;
  if (body !== undefined) request.body = body;
  if (body instanceof ReadableStream) request.duplex = "half";
  const { retry } = options;
  const once = () => (options.fetch ?? fetch)(url, request);
  // What is read while it is sent cannot be sent again.
  const patient = retry !== undefined && !(body instanceof ReadableStream);
  if (patient && route.takesKey && !headers.has(IDEMPOTENCY_KEY_HEADER))
    headers.set(IDEMPOTENCY_KEY_HEADER, randomKey());
  const repeatable = isIdempotent(route.method) || route.takesKey === true;
  const sent = patient ? sendPatiently(once, { ...retry, repeatable, signal: call.signal }) : once();
  const response = await sent.catch((error: unknown) => {
    throw networkError(url, error, call.signal);
  });
  if (!response.ok && response.status !== 304) throw await responseError(response);
  return response;
}

function encodeBody(route: RouteSpec, call: AnyCall, headers: Headers): RequestInit["body"] | undefined {
  if (!route.body) return undefined;
  if (isRaw(route.body)) {
    headers.set("Content-Type", call.contentType ?? route.body.raw[0] ?? "application/octet-stream");
    return call.body as RequestInit["body"];
  }
  headers.set("Content-Type", "application/json");
  return JSON.stringify(call.body);
}

async function readResponse(route: RouteSpec, response: Response): Promise<unknown> {
  if (route.response && isRaw(route.response)) return response;
  if (!route.response || response.status === 304) {
    await response.body?.cancel();
    return undefined;
  }
  return response.json().catch((error: unknown) => {
    throw networkError(response.url, error, undefined);
  });
}

/** The address of a call to this route: parameters and query filled in. */
export function routeUrl(
  route: RouteSpec,
  call: { params?: Record<string, string>; query?: Record<string, unknown> },
  baseUrl: string,
): string {
  const search = new URLSearchParams(route.always);
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined && value !== null) search.set(name, String(value));
  }
  const query = search.size > 0 ? `?${search}` : "";
  return `${baseUrl.replace(/\/+$/, "")}${fillPath(route.path, call.params)}${query}`;
}

import { SESSION_HEADER } from "@fleet/base";
import { networkError, responseError } from "./client-error.js";
import { readEvents } from "./client-events.js";
import { type RetryOptions, randomKey, sendPatiently } from "./client-retry.js";
import { openExchange, openSocket, readSocket } from "./client-socket.js";
import { fillPath, IDEMPOTENCY_KEY_HEADER, isIdempotent, isRaw, type Raw, type RouteSpec } from "./route.js";

export type ClientOptions = {
  /** The access URL, `https://coder.example.com`. In a browser, `""` means the page's own origin. */
  baseUrl: string;
  /** Sent with each request. Without it, a browser sends its session cookie. */
  token?: string;
  /** Added to each request; for streams, only if the runtime supports it (Node, not browsers). */
  headers?: Record<string, string>;
  /** Sends a request in place of the runtime's `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /**
   * While the deployment is briefly unavailable, calls are retried if that is safe: idempotent calls, and any call of
   * which nothing was sent. Streams are not retried: their reader knows where to resume.
   * If omitted, calls are sent once.
   */
  retry?: RetryOptions;
};

/** What a call needs from its route: the contract without its schemas, small enough for a page to download. */
export type CallSpec = Pick<RouteSpec, "method" | "path" | "stream" | "always" | "takesKey"> & {
  body?: "json" | Raw;
  response?: "json" | Raw;
};

export function callSpecOf({ method, path, stream, always, takesKey, body, response }: RouteSpec): CallSpec {
  const formOf = (part: NonNullable<typeof body>) => (isRaw(part) ? part : "json");
  return {
    method,
    path,
    ...(stream && { stream }),
    ...(always && { always }),
    ...(takesKey && { takesKey }),
    ...(body && { body: formOf(body) }),
    ...(response && { response: formOf(response) }),
  };
}

type AnyCall = {
  params?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
  contentType?: string;
  signal?: AbortSignal;
  headers?: Record<string, string>;
};

/** One method for each route. `upgrade` routes are left out: fetch cannot upgrade. */
export function createCalls(
  specs: Record<string, CallSpec>,
  options: ClientOptions,
): Record<string, (call?: AnyCall) => unknown> {
  return Object.fromEntries(
    Object.entries(specs)
      .filter(([, spec]) => spec.stream !== "upgrade")
      .map(([name, spec]) => [name, (call: AnyCall = {}) => perform(spec, call, options)]),
  );
}

/** By lower-case name. Not `Headers`: Node loads its whole fetch for one. */
type SentHeaders = Record<string, string>;

/** Later ones win. */
function mergedHeaders(...parts: readonly (Record<string, string> | "" | undefined)[]): SentHeaders {
  const entries = parts.flatMap((part) => Object.entries(part || {}));
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value]));
}

function perform(route: CallSpec, call: AnyCall, options: ClientOptions): unknown {
  const url = routeUrl(route, call, options.baseUrl);
  const token = options.token && { [SESSION_HEADER]: options.token };
  const headers = mergedHeaders(options.headers, call.headers, token);
  switch (route.stream) {
    case "socket":
      return openSocket(url, headers, call.signal);
    case "exchange":
      return openExchange(url, headers, call.signal);
    case "websocket":
      return readSocket(url, headers, call.signal);
    case "sse":
      headers.accept = "text/event-stream";
      return readEvents(() => send(route, url, headers, call, options), call.signal);
    default:
      return send(route, url, headers, call, options).then((response) => readResponse(route, response));
  }
}

async function send(
  route: CallSpec,
  url: string,
  headers: SentHeaders,
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
  const streamed = typeof body === "object" && body instanceof ReadableStream;
  if (streamed) request.duplex = "half";
  const { retry } = options;
  const once = () => (options.fetch ?? fetch)(url, request);
  // A body that is streamed cannot be sent again.
  const patient = retry !== undefined && !streamed;
  if (patient && route.takesKey) headers[IDEMPOTENCY_KEY_HEADER.toLowerCase()] ??= randomKey();
  const repeatable = isIdempotent(route.method) || route.takesKey === true;
  const sent = patient ? sendPatiently(once, { ...retry, repeatable, signal: call.signal }) : once();
  const response = await sent.catch((error: unknown) => {
    throw networkError(url, error, call.signal);
  });
  if (!response.ok && response.status !== 304) throw await responseError(response);
  return response;
}

function encodeBody(route: CallSpec, call: AnyCall, headers: SentHeaders): RequestInit["body"] | undefined {
  if (!route.body) return undefined;
  if (route.body !== "json") {
    headers["content-type"] = call.contentType ?? route.body.raw[0] ?? "application/octet-stream";
    return call.body as RequestInit["body"];
  }
  headers["content-type"] = "application/json";
  return JSON.stringify(call.body);
}

async function readResponse(route: CallSpec, response: Response): Promise<unknown> {
  if (route.response && route.response !== "json") return response;
  if (!route.response || response.status === 304 || response.status === 204) {
    await response.body?.cancel();
    return undefined;
  }
  return response.json().catch((error: unknown) => {
    throw networkError(response.url, error, undefined);
  });
}

/** The URL of a call to this route, with parameters and query filled in. */
export function routeUrl(
  route: Pick<RouteSpec, "path" | "always">,
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

import {
  createRouteMatcher,
  type Route,
  type RouteName,
  type RouteResponse,
  type Routes,
  routes,
} from "@fleet/sdk";

/** An answer of the API: the body, or what makes it from the request; an `ApiError` is told as the server tells it. */
type Answer<R extends RouteName> =
  | RouteResponse<Routes[R]>
  | ApiError
  | ((request: SeenRequest) => RouteResponse<Routes[R]> | ApiError | Promise<never>);
export type Answers = { [R in RouteName]?: Answer<R> };
export type SeenRequest = { route: RouteName; path: string; query: URLSearchParams; body: unknown };

/** An error body, with its status. */
export class ApiError {
  constructor(
    readonly status: number,
    readonly message: string,
    readonly validations: { field: string; detail: string }[] = [],
    readonly detail?: string,
  ) {}
}

/** The server's end of a stream that the page has opened. */
export type Stream = {
  url: string;
  /** What the page has sent on it. */
  readonly received: unknown[];
  send(message: unknown): void;
  break(code?: number): void;
};

export type Deployment = {
  /** Every request so far that changes something, in order. */
  readonly writes: SeenRequest[];
  readonly streams: Stream[];
  /** Answers from now on. */
  answer(more: Answers): void;
  /** While true, no request is answered and no new stream opens. */
  frozen: boolean;
  [Symbol.dispose](): void;
};

/**
 * Replaces the network: answers the page's requests according to the contract. Answers that violate the route's schema
 * and unexpected requests fail the test.
 */
export function fakeDeployment(first: Answers): Deployment {
  const answers: Answers = { ...first };
  const writes: SeenRequest[] = [];
  const streams: Stream[] = [];
  const before = { fetch: globalThis.fetch, WebSocket: globalThis.WebSocket };
  const deployment: Deployment = {
    writes,
    streams,
    frozen: false,
    answer: (more) => Object.assign(answers, more),
    [Symbol.dispose]: () => Object.assign(globalThis, before),
  };

  async function answerTo(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    if (deployment.frozen) return untilAborted(init.signal);
    const url = new URL(String(input), location.href);
    const found = routeOf(init.method ?? "GET", url.pathname);
    if (!found) throw new Error(`The contract has no ${init.method ?? "GET"} ${url.pathname}.`);
    const [name, route] = found;
    if (name === "healthz") return new Response("OK");
    const body: unknown = typeof init.body === "string" ? JSON.parse(init.body) : undefined;
    const request: SeenRequest = { route: name, path: url.pathname, query: url.searchParams, body };
    if (route.method !== "GET" && name !== "authCheck") writes.push(request);
    const given: unknown = answers[name];
    const answer: unknown = typeof given === "function" ? await given(request) : given;
    if (!(name in answers)) return reply(404, { message: `This test has no answer to ${name}.` });
    if (answer instanceof ApiError) {
      const { status, message, validations, detail } = answer;
      return reply(status, { message, validations, detail });
    }
    if (answer instanceof Uint8Array) return new Response(new Uint8Array(answer));
    if (route.response && !("raw" in route.response)) route.response.parse(answer);
    return reply(route.status, answer);
  }

  /** What the route answers to a message on a stream of it, and to its opening; undefined for routes without an answer. */
  function answerOn(url: string, message: unknown): unknown {
    const { pathname, searchParams } = new URL(url, location.href);
    const found = routeOf("GET", pathname, true);
    const given: unknown = found && answers[found[0]];
    if (!found || typeof given !== "function") return undefined;
    const answer: unknown = given({ route: found[0], path: pathname, query: searchParams, body: message });
    if (answer !== undefined && found[1].response && !("raw" in found[1].response))
      found[1].response.parse(answer);
    return answer;
  }

  class FakeSocket extends EventTarget {
    static readonly CONNECTING = 0;
    static readonly OPEN = 1;
    readyState = 0;
    binaryType = "blob";
    bufferedAmount = 0;
    constructor(readonly url: string) {
      super();
      queueMicrotask(() => {
        if (deployment.frozen) return;
        this.readyState = 1;
        streams.push({
          url,
          received: this.received,
          send: (message) => this.say(message),
          break: (code = 1006) => this.end(code),
        });
        this.dispatchEvent(new Event("open"));
        const { searchParams } = new URL(url, location.href);
        this.reply({ id: -1, inputs: {}, owner_id: searchParams.get("user_id") });
      });
    }
    private readonly received: unknown[] = [];
    send(text: string) {
      if (deployment.frozen) return;
      const message: unknown = JSON.parse(text);
      this.received.push(message);
      queueMicrotask(() => this.reply(message));
    }
    private reply(message: unknown) {
      const answer = this.readyState === 1 ? answerOn(this.url, message) : undefined;
      if (answer !== undefined) this.say(answer);
    }
    private say(message: unknown) {
      this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
    }
    close() {
      // A server that is frozen does not answer the closing handshake.
      this.readyState = 2;
      if (!deployment.frozen) queueMicrotask(() => this.end(1005));
    }
    private end(code: number) {
      if (this.readyState === 3) return;
      this.readyState = 3;
      this.dispatchEvent(Object.assign(new Event("close"), { code, reason: "" }));
    }
  }

  Object.assign(globalThis, { fetch: answerTo, WebSocket: FakeSocket });
  return deployment;
}

const matcher = createRouteMatcher(routes);

function routeOf(method: string, path: string, isStream = false): [RouteName, Route] | undefined {
  const match = matcher.match(method, path);
  const plain =
    match.kind === "found" ? match.routes.find(({ route }) => Boolean(route.stream) === isStream) : undefined;
  return plain && [plain.name as RouteName, plain.route as Route];
}

function reply(status: number, body: unknown): Response {
  const empty = body === undefined || status === 204;
  return new Response(empty ? null : JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json" },
  });
}

function untilAborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** What a request or connection was about. */
export type TrafficKind = "app" | "forward" | "frontdoor" | "pty" | "ssh" | "tunnel";

/** What is read when Prometheus asks. */
export type GaugeSources = {
  agents(): number;
  liveStreams(): number;
  sessionConnected(): boolean;
};

/** The proxy's own metrics; names begin with `coder_proxy_`. */
export class ProxyMetrics {
  readonly #requests: Counter<"kind" | "code">;
  readonly #seconds: Histogram<"kind">;
  readonly #bytes: Counter<"kind" | "direction">;
  readonly #open: Gauge<"kind">;
  readonly #repeats: Counter<"reason">;

  constructor(registry: Registry, sources: GaugeSources) {
    const registers = [registry];
    this.#requests = new Counter({
      name: "coder_proxy_requests_total",
      help: "Requests answered, by what they were about and the HTTP status.",
      labelNames: ["kind", "code"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "coder_proxy_request_duration_seconds",
      help: "Time from a request's head to its response's end; connections that were switched are not in it.",
      labelNames: ["kind"],
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
      registers,
    });
    this.#bytes = new Counter({
      name: "coder_proxy_stream_bytes_total",
      help: "Bytes through switched connections: in is from the client to the workspace.",
      labelNames: ["kind", "direction"],
      registers,
    });
    this.#open = new Gauge({
      name: "coder_proxy_open_requests",
      help: "Requests and switched connections that are open.",
      labelNames: ["kind"],
      registers,
    });
    this.#repeats = new Counter({
      name: "coder_proxy_frontdoor_repeats_total",
      help: "Requests sent to coderd once more: it refused the connection, broke it off, or said 503.",
      labelNames: ["reason"],
      registers,
    });
    this.#gauge(registry, "coder_proxy_agents", "Agents whose tunnel ends at this replica.", sources.agents);
    this.#gauge(
      registry,
      "coder_proxy_live_streams",
      "Terminals, SSH sessions, forwards and WebSockets of apps.",
      sources.liveStreams,
    );
    this.#gauge(registry, "coder_proxy_session_connected", "1 while the session with coderd is up.", () =>
      sources.sessionConnected() ? 1 : 0,
    );
  }

  #gauge(registry: Registry, name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** Labels are looked up once for each combination: there are few, and requests are many. */
  readonly #counters = new Map<string, ReturnType<Counter["labels"]>>();

  #counter(kind: TrafficKind, code: number) {
    const key = `${kind} ${code}`;
    let counter = this.#counters.get(key);
    if (!counter) {
      counter = this.#requests.labels({ kind, code });
      this.#counters.set(key, counter);
    }
    return counter;
  }

  /** A request is sent to coderd once more. */
  repeated(reason: "refused" | "reset" | "unavailable"): void {
    this.#repeats.inc({ reason });
  }

  /** Counts a request in; the returned function counts it out. */
  begin(kind: TrafficKind): (end: { status: number; bytesIn?: number; bytesOut?: number }) => number {
    const startedAt = performance.now();
    this.#open.inc({ kind });
    return ({ status, bytesIn, bytesOut }) => {
      const durationMs = performance.now() - startedAt;
      this.#open.dec({ kind });
      this.#counter(kind, status).inc();
      if (status !== 101) this.#seconds.observe({ kind }, durationMs / 1000);
      if (bytesIn) this.#bytes.inc({ kind, direction: "in" }, bytesIn);
      if (bytesOut) this.#bytes.inc({ kind, direction: "out" }, bytesOut);
      return durationMs;
    };
  }
}

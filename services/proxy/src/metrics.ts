import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** The type of a request or connection. */
export type TrafficKind = "app" | "forward" | "frontdoor" | "pty" | "ssh" | "tunnel";

/** Values read at each scrape. */
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
  readonly #sshSignIns: Counter<"method">;

  constructor(registry: Registry, sources: GaugeSources) {
    const registers = [registry];
    this.#requests = new Counter({
      name: "coder_proxy_requests_total",
      help: "Total number of requests, by kind and HTTP status.",
      labelNames: ["kind", "code"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "coder_proxy_request_duration_seconds",
      help: "Time from a request's head to the end of its response, without upgraded connections.",
      labelNames: ["kind"],
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
      registers,
    });
    this.#bytes = new Counter({
      name: "coder_proxy_stream_bytes_total",
      help: "Bytes transferred over upgraded connections; in is from the client to the workspace.",
      labelNames: ["kind", "direction"],
      registers,
    });
    this.#open = new Gauge({
      name: "coder_proxy_open_requests",
      help: "Number of requests and upgraded connections in progress.",
      labelNames: ["kind"],
      registers,
    });
    this.#repeats = new Counter({
      name: "coder_proxy_frontdoor_repeats_total",
      help: "Total number of retried requests to coderd, by reason: connection refused, connection reset, or 503.",
      labelNames: ["reason"],
      registers,
    });
    this.#sshSignIns = new Counter({
      name: "coder_proxy_ssh_sign_ins_total",
      help: "Total number of SSH clients that signed in, by a registered key or by a link, or were refused after too many attempts.",
      labelNames: ["method"],
      registers,
    });
    this.#gauge(
      registry,
      "coder_proxy_agents",
      "Number of agents connected to this replica.",
      sources.agents,
    );
    this.#gauge(
      registry,
      "coder_proxy_live_streams",
      "Number of open terminals, SSH sessions, port forwards and app WebSockets.",
      sources.liveStreams,
    );
    this.#gauge(
      registry,
      "coder_proxy_session_connected",
      "1 if the session with coderd is established, otherwise 0.",
      () => (sources.sessionConnected() ? 1 : 0),
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

  /** Label sets are cached: there are few combinations and many requests. */
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

  /** Counts a retried request to coderd. */
  repeated(reason: "refused" | "reset" | "unavailable"): void {
    this.#repeats.inc({ reason });
  }

  /** Counts a client of the SSH server. */
  sshSignIn(method: "key" | "link" | "refused"): void {
    this.#sshSignIns.inc({ method });
  }

  /** Increments the number of open requests; the returned function decrements it. */
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

import { Counter, Histogram, type Registry } from "prom-client";
import type { OnAttempt } from "./dispatcher.js";

const SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];

/** Counts attempts to send messages, under upstream's names. */
export class DeliveryMetrics {
  readonly #attempts: Counter<"method" | "result">;
  readonly #seconds: Histogram<"method">;

  constructor(registry: Registry) {
    this.#attempts = new Counter({
      name: "coderd_notifications_dispatch_attempts_total",
      help: "Attempts to send a message by result: sent, failed (tried again), refused (not tried again), released.",
      labelNames: ["method", "result"],
      registers: [registry],
    });
    this.#seconds = new Histogram({
      name: "coderd_notifications_dispatcher_send_seconds",
      help: "Duration of attempts to send a message.",
      labelNames: ["method"],
      buckets: SECONDS,
      registers: [registry],
    });
  }

  /** The destination's id is left out: there may be many. */
  readonly attempt: OnAttempt = (destination, result, seconds) => {
    const method = destination.split(":", 1)[0]!;
    this.#attempts.inc({ method, result });
    this.#seconds.observe({ method }, seconds);
  };
}

import { Counter, type Registry } from "prom-client";

/** Counts what rollouts do by themselves. */
export class RolloutMetrics {
  readonly #steps: Counter<"action">;

  constructor(registry: Registry) {
    this.#steps = new Counter({
      name: "coderd_template_rollout_actions_total",
      help: "Steps that rollouts of template versions took by themselves: advance, finish, stop or supersede.",
      labelNames: ["action"],
      registers: [registry],
    });
  }

  took(action: "advance" | "finish" | "stop" | "supersede"): void {
    this.#steps.inc({ action });
  }
}

import { Counter, type Registry } from "prom-client";

const ACTIONS = ["advance", "finish", "stop", "supersede"] as const;

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
    // So that each series exists before its first step.
    for (const action of ACTIONS) this.#steps.inc({ action }, 0);
  }

  took(action: (typeof ACTIONS)[number]): void {
    this.#steps.inc({ action });
  }
}

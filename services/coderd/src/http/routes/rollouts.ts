import { toRollout, toRolloutProgress } from "../../convert/rollouts.js";
import type { Rollouts } from "../../rollouts/service.js";
import type { Handlers } from "../handler.js";

export function createRolloutHandlers({ rollouts }: { rollouts: Rollouts }) {
  return {
    rolloutCreate: async ({ actor, params, body }) =>
      toRollout(
        await rollouts.start(actor, params.template, {
          versionId: body.template_version_id,
          steps: body.steps,
          pauseMs: body.pause_ms,
          maxFailurePercent: body.max_failure_percent,
          minSamples: body.min_samples,
        }),
      ),
    rolloutList: async ({ actor, params }) => (await rollouts.list(actor, params.template)).map(toRollout),
    rolloutGet: async ({ actor, params }) =>
      toRolloutProgress(await rollouts.get(actor, params.template, params.rollout)),
    rolloutPause: async ({ actor, params }) =>
      toRollout(await rollouts.change(actor, params.template, params.rollout, "pause")),
    rolloutResume: async ({ actor, params }) =>
      toRollout(await rollouts.change(actor, params.template, params.rollout, "resume")),
    rolloutAbort: async ({ actor, params }) =>
      toRollout(await rollouts.change(actor, params.template, params.rollout, "abort")),
    rolloutFinish: async ({ actor, params }) =>
      toRollout(await rollouts.change(actor, params.template, params.rollout, "finish")),
  } satisfies Partial<Handlers>;
}

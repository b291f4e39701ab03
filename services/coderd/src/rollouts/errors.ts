import { FleetError } from "@fleet/base";
import type { RolloutEvent, RolloutStatus } from "./status.js";

export class RolloutNotFound extends FleetError {
  constructor() {
    super("not_found", "Rollout not found, or you do not have access to it.");
  }
}

export class BadRollout extends FleetError {
  constructor(field: string, detail: string) {
    super("invalid_argument", detail, { validations: [{ field, detail }] });
  }
}

export class RolloutInProgress extends FleetError {
  constructor(versionName: string, why: string) {
    super(
      "conflict",
      `Version ${versionName} is being rolled out, and ${why}. Finish or abort that rollout first.`,
    );
  }
}

/** The rollout is in a state in which this is not possible. */
export class RolloutNotPossible extends FleetError {
  constructor(event: RolloutEvent, status: RolloutStatus) {
    super("conflict", HINTS[status] ?? `The rollout is ${status}. You cannot ${event} it.`);
  }
}

const HINTS: Partial<Record<RolloutStatus, string>> = {
  finished: "The rollout has finished: its version is the active version.",
  aborted: "The rollout was aborted. Start another one.",
  superseded: "The rollout was replaced by another promotion.",
  stopped: "The rollout stopped because too many workspaces failed. Resume or abort it.",
};

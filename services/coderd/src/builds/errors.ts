import { FleetError } from "@fleet/base";

export class BuildNotFound extends FleetError {
  constructor() {
    super("not_found", "Build not found, or you do not have access to it.");
  }
}

export class StateNotFound extends FleetError {
  constructor(buildNumber: number, version: number) {
    super("not_found", `Build ${buildNumber} has no state ${version}, or it is no longer kept.`);
  }
}

/** The build that blocks another one. */
export type ActiveBuild = {
  transition: string;
  number: number;
  /** False while it waits for a provisioner. */
  running: boolean;
  since: Date;
  initiator: string;
};

export class BuildAlreadyActive extends FleetError {
  readonly build: ActiveBuild;

  constructor(build: ActiveBuild) {
    const { transition, number, running, since, initiator } = build;
    const state = running ? "has been running" : "has been waiting for a provisioner";
    super(
      "conflict",
      `A ${transition} of this workspace ${state} since ${since.toISOString()} (build ${number}, requested by ${initiator}). Wait for it to finish, or cancel it.`,
    );
    this.build = build;
  }
}

/** The stop has finished and the start is about to be created. */
export class WorkspaceIsRestarting extends FleetError {
  constructor() {
    super("conflict", "This workspace is being restarted. Wait for it to finish.");
  }
}

export class WorkspaceIsDeleted extends FleetError {
  constructor() {
    super("failed_precondition", "This workspace has been deleted. Create another one.");
  }
}

export class WorkspaceIsDormant extends FleetError {
  constructor() {
    super("conflict", "This workspace is dormant. Activate it before you start it.");
  }
}

export class DoesNotWake extends FleetError {
  constructor(name: string) {
    super(
      "failed_precondition",
      `The template of this workspace does not start stopped workspaces when somebody connects. Start it first, with: coder start ${name}`,
    );
  }
}

export class VersionNotUsable extends FleetError {
  constructor(detail: string) {
    super("invalid_argument", detail, { validations: [{ field: "template_version_id", detail }] });
  }
}

export class PresetNotUsable extends FleetError {
  constructor() {
    const detail = "This preset does not belong to the template version.";
    super("invalid_argument", detail, { validations: [{ field: "template_version_preset_id", detail }] });
  }
}

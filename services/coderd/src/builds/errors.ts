import { FleetError } from "@fleet/base";

export class BuildNotFound extends FleetError {
  constructor() {
    super("not_found", "There is no such build, or you may not see it.");
  }
}

export class BuildAlreadyActive extends FleetError {
  readonly workspaceId: string;

  constructor(workspaceId: string) {
    super("conflict", "A build of this workspace is under way. Wait for it to end, or cancel it.");
    this.workspaceId = workspaceId;
  }
}

export class WorkspaceIsDeleted extends FleetError {
  constructor() {
    super("failed_precondition", "This workspace is deleted. Create another one.");
  }
}

export class WorkspaceIsDormant extends FleetError {
  constructor() {
    super("conflict", "This workspace is dormant. Wake it before you start it.");
  }
}

export class VersionNotUsable extends FleetError {
  constructor(detail: string) {
    super("invalid_argument", detail, { validations: [{ field: "template_version_id", detail }] });
  }
}

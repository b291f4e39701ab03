import { FleetError } from "@fleet/base";

export class WorkspaceNotFound extends FleetError {
  constructor() {
    super("not_found", "There is no such workspace, or you may not see it.");
  }
}

export class WorkspaceNameTaken extends FleetError {
  constructor(name: string) {
    const detail = `You have a workspace named "${name}" already. Choose another name.`;
    super("already_exists", detail, { validations: [{ field: "name", detail }] });
  }
}

export class BadWorkspace extends FleetError {
  constructor(field: string, detail: string) {
    super("invalid_argument", detail, { validations: [{ field, detail }] });
  }
}

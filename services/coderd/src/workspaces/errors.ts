import { FleetError } from "@fleet/base";

export class WorkspaceNotFound extends FleetError {
  constructor() {
    super("not_found", "Workspace not found, or you do not have access to it.");
  }
}

export class WorkspaceNameTaken extends FleetError {
  constructor(name: string) {
    const detail = `A workspace named "${name}" already exists. Choose another name.`;
    super("already_exists", detail, { validations: [{ field: "name", detail }] });
  }
}

export class BadWorkspace extends FleetError {
  constructor(field: string, detail: string) {
    super("invalid_argument", detail, { validations: [{ field, detail }] });
  }
}

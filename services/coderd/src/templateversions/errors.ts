import { FleetError } from "@fleet/base";

export class VersionNotFound extends FleetError {
  constructor(field?: string) {
    const detail = "Template version not found, or you do not have access to it.";
    super("not_found", detail, field ? { validations: [{ field, detail }] } : {});
  }
}

export class VersionNameTaken extends FleetError {
  constructor(name: string) {
    const detail = `A version named "${name}" already exists in this template. Choose another name.`;
    super("already_exists", detail, { validations: [{ field: "name", detail }] });
  }
}

export class BadVersion extends FleetError {
  constructor(field: string, detail: string) {
    super("invalid_argument", detail, { validations: [{ field, detail }] });
  }
}

export class ImportNotDone extends FleetError {
  constructor() {
    super("failed_precondition", "The version is still being imported. Wait for its job to finish.");
  }
}

import { FleetError } from "@fleet/base";

export class UserNotFound extends FleetError {
  constructor() {
    super("not_found", "User not found, or you do not have access to it.");
  }
}

export class UserTaken extends FleetError {
  readonly field: "username" | "email";

  constructor(field: "username" | "email") {
    const detail = `This ${field} is already in use.`;
    super("already_exists", `A user with this ${field} already exists. Choose another one.`, {
      validations: [{ field, detail }],
    });
    this.field = field;
  }
}

export class UnknownOrganization extends FleetError {
  constructor() {
    const detail = "At least one of these organizations does not exist.";
    super("invalid_argument", detail, { validations: [{ field: "organization_ids", detail }] });
  }
}

import { FleetError } from "@fleet/base";

export class UserNotFound extends FleetError {
  constructor() {
    super("not_found", "There is no such user, or you may not see it.");
  }
}

export class UserTaken extends FleetError {
  constructor(field: "username" | "email") {
    const detail = `This ${field} is taken.`;
    super("already_exists", `A user with this ${field} is there already. Choose another one.`, {
      validations: [{ field, detail }],
    });
  }
}

export class UnknownOrganization extends FleetError {
  constructor() {
    const detail = "At least one of these organizations does not exist.";
    super("invalid_argument", detail, { validations: [{ field: "organization_ids", detail }] });
  }
}

import { type ErrorCode, FleetError } from "@fleet/base";

/** Detail error keywords of RFC 7644 §3.12. */
export type ScimType =
  | "invalidFilter"
  | "invalidPath"
  | "invalidSyntax"
  | "invalidValue"
  | "mutability"
  | "noTarget"
  | "tooMany"
  | "uniqueness";

/** A request that SCIM has a keyword for. */
export class ScimError extends FleetError {
  readonly scimType: ScimType;

  constructor(scimType: ScimType, message: string, code: ErrorCode = "invalid_argument") {
    super(code, message);
    this.scimType = scimType;
  }
}

export class ResourceNotFound extends FleetError {
  constructor() {
    super("not_found", "Resource not found.");
  }
}

export class VersionMismatch extends FleetError {
  constructor() {
    super("failed_precondition", "The resource has changed. Read it again before you change it.");
  }
}
